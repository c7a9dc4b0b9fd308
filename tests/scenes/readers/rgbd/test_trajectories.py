from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from scenes.readers.rgbd.trajectories import read_log, rotation_from_quaternion, write_log

number = st.floats(-1, 1)


@settings(deadline=None, max_examples=50)
@given(st.tuples(number, number, number, number).filter(lambda q: sum(x * x for x in q) > 0.01))
def test_every_quaternion_gives_a_rotation_and_its_negative_the_same(xyzw: tuple[float, ...]) -> None:
    q = torch.tensor(xyzw, dtype=torch.float64)
    rotation = rotation_from_quaternion(q)
    torch.testing.assert_close(rotation @ rotation.T, torch.eye(3, dtype=torch.float64))
    torch.testing.assert_close(rotation.det(), torch.tensor(1.0, dtype=torch.float64))
    torch.testing.assert_close(rotation_from_quaternion(-3 * q), rotation)


def test_a_quarter_turn_about_z_takes_x_to_y() -> None:
    rotation = rotation_from_quaternion(torch.tensor([0, 0, 0.5**0.5, 0.5**0.5]))
    torch.testing.assert_close(rotation @ torch.tensor([1.0, 0, 0]), torch.tensor([0.0, 1, 0]))


def test_a_log_holds_float32_exactly(tmp_path: Path) -> None:
    poses = torch.randn(5, 4, 4, generator=torch.Generator().manual_seed(0))
    write_log(tmp_path / "a.log", poses)
    assert torch.equal(read_log(tmp_path / "a.log"), poses)


@pytest.mark.parametrize("text", ["", "0 0 1\n1 0 0 0\n", "0 0 1\n" + "1 0 0\n" * 4])
def test_a_log_of_another_form_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.log").write_text(text)
    with pytest.raises(ValueError, match=r"a\.log is not a trajectory log"):
        read_log(tmp_path / "a.log")
