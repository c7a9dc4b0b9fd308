from __future__ import annotations

import math

import pytest
import torch

from benchmarks.geometry.trajectory import fitted_scale, path_length, pose_errors


def poses() -> torch.Tensor:
    made = torch.eye(4).repeat(4, 1, 1)
    made[:, :3, 3] = torch.tensor([[0.0, 0, 0], [1, 0, 0], [1, 2, 0], [1, 2, 2]])
    return made


def test_the_world_of_an_estimate_does_not_count() -> None:
    turn = torch.tensor([[0.0, -1, 0, 5], [1, 0, 0, 6], [0, 0, 1, 7], [0, 0, 0, 1]])
    assert pose_errors(turn @ poses(), poses()) == pytest.approx((0, 0), abs=0.05)


def test_the_largest_errors_are_measured() -> None:
    wrong = poses()
    c, s = math.cos(math.radians(3)), math.sin(math.radians(3))
    wrong[2, :2, :2] = torch.tensor([[c, -s], [s, c]])
    wrong[3, 0, 3] += 0.5
    rotation, translation = pose_errors(wrong, poses())
    assert rotation == pytest.approx(3, abs=0.05)
    assert translation == pytest.approx(0.5, abs=1e-4)


def test_a_scale_is_fitted_and_a_path_measured() -> None:
    small = poses()
    small[:, :3, 3] /= 4
    assert fitted_scale(small, poses()) == pytest.approx(4)
    assert pose_errors(small, poses(), 4.0)[1] < 1e-5
    assert path_length(poses()) == pytest.approx(5)
