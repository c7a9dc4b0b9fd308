"""Ranges of a safetensors file are those that the package itself reads."""

from pathlib import Path

import fsspec
import pytest
import torch
from safetensors.torch import load_file, save_file

from probes.features.safetensors_ranges import read_header, read_ranges, read_tensor

FILES = fsspec.filesystem("file")


@pytest.fixture
def path(tmp_path: Path) -> str:
    generator = torch.Generator().manual_seed(0)
    tensors = {
        "features": torch.randn(3, 4, 5, generator=generator).half(),
        "scale": torch.randn(5, generator=generator),
    }
    save_file(tensors, tmp_path / "some.safetensors", {"note": "of the writer"})
    return str(tmp_path / "some.safetensors")


def test_tensors_and_metadata_are_those_that_were_written(path: str) -> None:
    header = read_header(FILES, path)
    assert header.metadata == {"note": "of the writer"}
    for name, value in load_file(path).items():
        assert header.tensors[name].dtype == value.dtype
        assert torch.equal(read_tensor(FILES, path, header.tensors[name]), value)


def test_a_range_is_one_row(path: str) -> None:
    features = read_header(FILES, path).tensors["features"]
    (row,) = read_ranges(FILES, path, [features.start + 2 * 40], 40)
    assert torch.equal(torch.frombuffer(bytearray(row), dtype=torch.float16).view(4, 5), load_file(path)["features"][2])


@pytest.mark.parametrize("keep", [4, 60, 200])
def test_a_truncated_file_is_refused(path: str, keep: int) -> None:
    Path(path).write_bytes(Path(path).read_bytes()[:keep])
    with pytest.raises(ValueError, match=r"malformed|not what its header says"):
        read_header(FILES, path)


def test_a_scalar_is_a_tensor_too(tmp_path: Path) -> None:
    save_file({"one": torch.tensor(1.0)}, tmp_path / "a.safetensors")
    files, path = fsspec.core.url_to_fs(str(tmp_path / "a.safetensors"))
    assert read_header(files, path).tensors["one"].shape == ()
