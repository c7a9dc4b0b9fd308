"""The normalisation of labels to the first view: identity, unit distance, invariance (specs/vidfm3d.md section 9)."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from models.geometry import invert, transform_points, unproject
from probes.clips.labels import Labels, labels_from_depth, labels_from_points
from tests.support.clips.random_geometry import random_poses

VIEWS, HEIGHT, WIDTH = 3, 6, 8


@pytest.fixture
def depth() -> Tensor:
    depth = 1 + 4 * torch.rand(VIEWS, HEIGHT, WIDTH, generator=torch.Generator().manual_seed(1))
    depth[0, 0, 0], depth[1, 2, 3], depth[2, 5, 7] = 0, torch.inf, torch.nan
    return depth


@pytest.fixture
def intrinsics() -> Tensor:
    return torch.tensor([[7.0, 0, 4.2], [0, 7.5, 2.9], [0, 0, 1]]).repeat(VIEWS, 1, 1)


@pytest.fixture
def world_T_cam() -> Tensor:
    return random_poses(torch.Generator().manual_seed(2), VIEWS)


@pytest.fixture
def labels(depth: Tensor, intrinsics: Tensor, world_T_cam: Tensor) -> Labels:
    return labels_from_depth(depth, intrinsics, world_T_cam)


def same(one: Labels, other: Labels, atol: float = 1e-5) -> None:
    for part in ("points", "depth", "cam_T_world", "intrinsics", "confidence", "valid"):
        torch.testing.assert_close(getattr(one, part), getattr(other, part), atol=atol, rtol=1e-4)


def test_the_first_camera_is_the_world(labels: Labels) -> None:
    assert torch.equal(labels.cam_T_world[0], torch.eye(4))


def test_points_of_the_first_view_lie_at_distance_1_on_average(labels: Labels) -> None:
    distance = labels.points[0].norm(dim=-1)[labels.valid[0]]
    torch.testing.assert_close(distance.mean(), torch.tensor(1.0))
    assert (labels.points[1:].norm(dim=-1)[labels.valid[1:]].mean() - 1).abs() > 0.05  # of the first view only


def test_points_depth_and_cameras_are_scaled_together(labels: Labels) -> None:
    """Each view's points, taken to its own camera, are its depth along its own rays."""
    in_cam = transform_points(labels.points, labels.cam_T_world[:, None, None])
    rays = unproject(labels.depth, labels.intrinsics)
    assert torch.equal(rays.valid, labels.valid)
    torch.testing.assert_close(in_cam[labels.valid], rays.xyz[labels.valid], atol=1e-5, rtol=1e-4)


def test_a_rigid_motion_and_a_scale_of_the_input_world_change_nothing(
    depth: Tensor, intrinsics: Tensor, world_T_cam: Tensor, labels: Labels
) -> None:
    other_T_world = random_poses(torch.Generator().manual_seed(3), 1)[0]
    other_T_world[:3, 3] *= 50
    moved = other_T_world @ world_T_cam
    moved[:, :3, 3] *= 7.5
    same(labels_from_depth(7.5 * depth, intrinsics, moved), labels, 1e-4)  # poses a kilometre off, in float32


def test_points_of_a_world_give_the_same_labels_as_depth(
    depth: Tensor, intrinsics: Tensor, world_T_cam: Tensor, labels: Labels
) -> None:
    points = transform_points(unproject(depth, intrinsics).xyz, world_T_cam[:, None, None])
    same(labels_from_points(points, depth, intrinsics, invert(world_T_cam)), labels)


def test_points_need_not_be_those_of_the_depth(depth: Tensor, intrinsics: Tensor, world_T_cam: Tensor) -> None:
    points = transform_points(unproject(1.1 * depth, intrinsics).xyz, world_T_cam[:, None, None])
    labels = labels_from_points(points, depth, intrinsics, invert(world_T_cam))
    ratio = labels.points[0, ..., 2][labels.valid[0]] / labels.depth[0][labels.valid[0]]
    torch.testing.assert_close(ratio, torch.full_like(ratio, 1.1), atol=1e-4, rtol=0)


def test_what_is_not_known_is_0_and_not_valid(labels: Labels) -> None:
    assert int((~labels.valid).sum()) == 3
    for values in (labels.points.norm(dim=-1), labels.depth, labels.confidence):
        assert (values[~labels.valid] == 0).all()
        assert (values[labels.valid] > 0).all()


def test_points_that_are_not_finite_are_not_valid(depth: Tensor, intrinsics: Tensor, world_T_cam: Tensor) -> None:
    points = transform_points(unproject(depth, intrinsics).xyz, world_T_cam[:, None, None])
    points[0, 3, 3, 1] = torch.inf
    labels = labels_from_points(points, depth, intrinsics, invert(world_T_cam))
    assert not labels.valid[0, 3, 3]
    assert labels.points.isfinite().all()


def test_the_unit_is_the_same_with_and_without_the_background(
    depth: Tensor, intrinsics: Tensor, world_T_cam: Tensor, labels: Labels
) -> None:
    foreground = torch.zeros(VIEWS, HEIGHT, WIDTH, dtype=torch.bool)
    foreground[:, 2:4, 2:5] = True
    confidence = 1 + torch.rand(VIEWS, HEIGHT, WIDTH, generator=torch.Generator().manual_seed(4))
    some = labels_from_depth(depth, intrinsics, world_T_cam, confidence, foreground)
    assert torch.equal(some.points, labels.points)
    assert torch.equal(some.valid, labels.valid & foreground)
    assert torch.equal(some.confidence, torch.where(labels.valid, confidence, 0))


def test_a_first_view_of_which_nothing_is_known_is_refused(
    depth: Tensor, intrinsics: Tensor, world_T_cam: Tensor
) -> None:
    depth[0] = 0
    with pytest.raises(ValueError, match="start with a view that has depth"):
        labels_from_depth(depth, intrinsics, world_T_cam)
