"""Pinhole cameras: hand-computed values and properties."""

import math

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.geometry import crop_intrinsics, default_intrinsics, pixel_centres, project, resize_intrinsics

SEEDS = st.integers(0, 10_000)


def test_the_default_camera_sees_its_field_of_view_from_edge_to_edge() -> None:
    intrinsics = default_intrinsics(480, 640, 60)
    edge = torch.tensor([[math.tan(math.radians(30)), 0.0, 1.0], [-math.tan(math.radians(30)), 0.0, 1.0]])
    torch.testing.assert_close(
        project(edge, intrinsics), torch.tensor([[640.0, 240.0], [0.0, 240.0]]), atol=1e-4, rtol=0
    )


def test_the_top_left_pixel_is_centred_at_a_half() -> None:
    centres = pixel_centres(2, 3, torch.zeros(()))
    assert centres[0, 0].tolist() == [0.5, 0.5]
    assert centres[1, 2].tolist() == [2.5, 1.5]


def test_points_at_or_behind_the_camera_project_to_nan() -> None:
    pixels = project(torch.tensor([[0.0, 0.0, 0.0], [1.0, 1.0, -1.0]]), default_intrinsics(4, 4))
    assert pixels.isnan().all()


@given(SEEDS, st.integers(1, 40), st.integers(1, 40))
@settings(max_examples=20, deadline=None)
def test_a_point_projects_to_the_same_place_after_a_resize_and_a_crop(seed: int, height: int, width: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    xyz = torch.randn(10, 3, generator=generator)
    xyz[:, 2] = 1 + xyz[:, 2].abs()
    intrinsics = default_intrinsics(12, 16)
    pixels = project(xyz, intrinsics)
    resized = project(xyz, resize_intrinsics(intrinsics, (12, 16), (height, width)))
    torch.testing.assert_close(resized, pixels * torch.tensor([width / 16, height / 12]), atol=1e-3, rtol=1e-5)
    torch.testing.assert_close(project(xyz, crop_intrinsics(intrinsics, 3, 2)), pixels - torch.tensor([3.0, 2.0]))
