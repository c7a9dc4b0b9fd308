from pathlib import Path

import pytest
import torch

from probes.features.memory import BLOCK, cast_to, empty_hugepage, read_into


@pytest.mark.parametrize("dtype", [torch.int8, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("rows", [1, 3, BLOCK // 4 + 5])
def test_values_are_widened_and_scaled_channel_by_channel(dtype: torch.dtype, rows: int) -> None:
    values = torch.randint(-127, 127, (2, rows, 4), generator=torch.Generator().manual_seed(0)).to(dtype)
    scale = torch.tensor([0.5, 1.0, 2.0, -3.0])
    assert torch.equal(cast_to(values, torch.float32, scale), values.float() * scale)
    assert torch.equal(cast_to(values, torch.float32), values.float())


def test_values_come_from_where_they_start(tmp_path: Path) -> None:
    stored = torch.arange(12, dtype=torch.float32)
    (tmp_path / "a").write_bytes(stored.numpy().tobytes())
    found = empty_hugepage((3,), torch.float32)
    read_into(tmp_path / "a", 36, found)
    assert found.tolist() == [9, 10, 11]
    with pytest.raises(ValueError, match="ends before byte 52"):
        read_into(tmp_path / "a", 40, found)
