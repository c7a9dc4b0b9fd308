"""The depth picture: near is bright, far and unknown are black, and neither scale nor frame matters."""

from __future__ import annotations

import pytest
import torch

from models.geometry import PointMap, transform
from models.sr3d.inputs.depth_picture import depth_picture


def _points(z: list[list[float]]) -> PointMap:
    depth = torch.tensor([z], dtype=torch.float32)
    return PointMap(torch.stack([0 * depth, 0 * depth, depth], -1), depth > 0, "cam")


def test_inverse_depth_goes_from_the_farthest_to_the_nearest_point() -> None:
    picture = depth_picture(_points([[1, 2], [4, 0]]))  # 1 / z: 1, .5, .25, unknown
    assert picture.shape == (1, 3, 2, 2)
    assert picture[0, 0].tolist() == [[255, 85], [0, 0]]
    assert torch.equal(picture[:, 0], picture[:, 2])


def test_scale_does_not_matter() -> None:
    assert torch.equal(depth_picture(_points([[1, 2], [4, 0]])), depth_picture(_points([[8, 16], [32, 0]])))


def test_points_in_the_world_are_seen_from_the_camera() -> None:
    world_T_cam = torch.tensor([[[0.0, 0, 1, 3], [-1, 0, 0, 4], [0, -1, 0, 5], [0, 0, 0, 1]]])
    points = _points([[1, 2], [4, 0]])
    world = transform(points, world_T_cam, "world")
    assert torch.equal(depth_picture(world, world_T_cam), depth_picture(points))
    with pytest.raises(ValueError, match="needs camera poses"):
        depth_picture(world)


@pytest.mark.parametrize("z", [[[0, 0]], [[2, 2]]])
def test_a_frame_without_depth_or_of_one_depth_is_black(z: list[list[float]]) -> None:
    assert not depth_picture(_points(z)).any()
