from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from scenes.readers.up_axis import turn_z_up

AXES = {"x": (1, 0, 0), "-x": (-1, 0, 0), "y": (0, 1, 0), "-y": (0, -1, 0), "z": (0, 0, 1), "-z": (0, 0, -1)}


def camera_with_up(up: tuple[float, ...]) -> torch.Tensor:
    """A camera whose up direction (-y) is `up` in the world; the rest of its axes does not matter."""
    y = -torch.tensor(up).float() / torch.tensor(up).float().norm()
    x = torch.linalg.cross(y, torch.eye(3)[y.abs().argmin()])
    x = x / x.norm()
    pose = torch.eye(4)
    pose[:3, :3] = torch.stack([x, y, torch.linalg.cross(x, y)], 1)
    pose[:3, 3] = torch.tensor([1.0, 2, 3])
    return pose[None]


@pytest.mark.parametrize("up", AXES)
def test_the_named_axis_and_the_automatic_one_turn_to_plus_z(up: Any) -> None:
    poses = camera_with_up(AXES[up])
    for choice in (up, "auto", "camera"):
        turned = turn_z_up(poses, choice)
        torch.testing.assert_close(-turned[0, :3, 1], torch.tensor([0.0, 0, 1]))
        assert turned[0, :3, :3].det() > 0.999  # a rotation, not a mirror


def test_auto_snaps_to_the_axis_and_camera_does_not() -> None:
    poses = camera_with_up((0.3, -1.0, 0.2))
    snapped, exact = turn_z_up(poses, "auto"), turn_z_up(poses, "camera")
    assert torch.equal(snapped, turn_z_up(poses, "-y"))
    torch.testing.assert_close(-exact[0, :3, 1], torch.tensor([0.0, 0, 1]))
    assert -snapped[0, 2, 1] < 0.95


def test_minus_y_is_the_usual_camera_to_z_up_conversion() -> None:
    turned = turn_z_up(torch.eye(4)[None], "-y")[0]
    assert (turned[:3, :3] @ torch.tensor([1.0, 2, 3])).tolist() == [1, 3, -2]  # (x, y, z) -> (x, z, -y)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.floats(-1, 1), min_size=3, max_size=3).filter(lambda v: sum(x * x for x in v) > 0.01))
def test_distances_do_not_change(up: list[float]) -> None:
    poses = camera_with_up(tuple(up)).repeat(2, 1, 1)
    poses[1, :3, 3] = torch.tensor([4.0, -1, 0.5])
    turned = turn_z_up(poses, "camera")
    torch.testing.assert_close(
        (turned[0] - turned[1])[:3, 3].norm(), (poses[0] - poses[1])[:3, 3].norm(), atol=1e-5, rtol=1e-5
    )
