"""What a depth camera does to exact depth."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from models.geometry import default_intrinsics, pixel_centres
from scenes.sensor_depth import SensorDepth, at_edges, cosine_of_incidence

SIZE = 64
CAMERA = default_intrinsics(SIZE, SIZE, 60)
BRIGHT = torch.full((3, SIZE, SIZE), 200, dtype=torch.uint8)
CLEAN = SensorDepth(noise=0.0, jitter=0.0, edge_holes=0.0, dark_holes=0.0, oblique_holes=0.0, patches=0.0)


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def plane(distance: float, tilt_deg: float = 0.0) -> torch.Tensor:
    """Depth of a plane across the optical axis, tilted about x."""
    slope = (pixel_centres(SIZE, SIZE, CAMERA)[..., 1] - SIZE / 2) / CAMERA[1, 1]
    return distance / (1 + slope * torch.tan(torch.deg2rad(torch.tensor(tilt_deg))))


@pytest.mark.parametrize("distance", [1.0, 2.0, 4.0])
def test_steps_of_depth_grow_with_its_square(distance: float) -> None:
    depth = distance + torch.linspace(0, 0.2 * distance, SIZE).expand(SIZE, SIZE)
    levels = CLEAN.apply(depth, BRIGHT, CAMERA, generator()).unique()
    step = float(levels.diff()[0])
    assert step == pytest.approx(distance**2 / (CLEAN.focal_baseline * CLEAN.steps), rel=0.2)  # z^2 / (f b) of a step


def test_holes_lie_at_edges_and_depth_bleeds_across_them() -> None:
    depth = torch.full((SIZE, SIZE), 2.0)
    depth[:, SIZE // 2 :] = 1.0
    edge = at_edges(depth)
    assert edge[:, SIZE // 2 - 1 : SIZE // 2 + 1].all()
    assert int(edge.sum()) == 2 * SIZE
    lost = replace(CLEAN, edge_holes=1.0).apply(depth, BRIGHT, CAMERA, generator()) == 0
    assert torch.equal(lost, edge)
    bled = replace(CLEAN, jitter=0.7).apply(depth, BRIGHT, CAMERA, generator())
    between = (bled > 1.1) & (bled < 1.9)
    assert between.any()
    assert not between[:, : SIZE // 2 - 5].any()


def test_a_tilted_plane_has_no_edges_and_its_incidence() -> None:
    tilted = plane(1.5, 30.0)
    assert not at_edges(tilted).any()
    middle = cosine_of_incidence(tilted, CAMERA)[SIZE // 2, SIZE // 2]
    assert float(middle) == pytest.approx(0.866, abs=0.02)


def test_dark_and_oblique_surfaces_are_lost() -> None:
    black = BRIGHT.clone()
    black[:, :, : SIZE // 2] = 0
    lost = replace(CLEAN, dark_holes=0.8).apply(plane(1.0), black, CAMERA, generator()) == 0
    assert 0.7 < float(lost[:, : SIZE // 2].float().mean()) < 0.9
    assert not lost[:, SIZE // 2 :].any()
    grazing = replace(CLEAN, oblique_holes=0.9)
    facing, oblique = (grazing.apply(plane(1.0, tilt), BRIGHT, CAMERA, generator()) == 0 for tilt in (20.0, 86.0))
    assert not facing.any()
    assert oblique[SIZE // 2 - 4 : SIZE // 2].float().mean() > 0.3


def test_unknown_stays_unknown_and_the_same_seed_gives_the_same_bytes() -> None:
    depth = plane(1.0)
    depth[:8] = 0
    first, second = (SensorDepth().apply(depth, BRIGHT, CAMERA, generator()) for _ in range(2))
    assert torch.equal(first, second)
    assert not first[:8].any()
    assert not SensorDepth().apply(plane(9.0), BRIGHT, CAMERA, generator()).any()  # too far
