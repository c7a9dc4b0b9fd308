"""Boxes turned to masks by depth."""

import math

import pytest
import torch

from models.geometry import PointMap, default_intrinsics, transform, unproject
from models.lifting.inputs.boxed_object import object_in_box
from models.regions import Region
from tests.support.lifting import SeenObject, overlap

SIZE = 96, 128


def room(shape: str = "ball") -> tuple[PointMap, torch.Tensor]:
    """A floor 1 m below the camera, a wall at 4 m, and before it something: its points and its true mask."""
    height, width = SIZE
    intrinsics = default_intrinsics(height, width)
    v, u = torch.arange(height)[:, None] + 0.5, torch.arange(width) + 0.5
    down = ((v - height / 2) / intrinsics[1, 1]).expand(height, width)
    depth = torch.where(down > 0.25, 1 / down.clamp(min=0.1), torch.full(SIZE, 4.0))
    distance = ((u - 70) ** 2 + (v - 50) ** 2).sqrt()
    mask = (distance < 20) & ((distance > 8) | (shape == "ball"))
    return unproject(torch.where(mask, 2.5 + 0.01 * distance, depth), intrinsics), mask


def box(*corners: float) -> torch.Tensor:
    return Region.from_box(corners, *SIZE).masks[0]


def test_the_object_of_a_world_is_found_in_its_box(seen: SeenObject) -> None:
    rows, cols = seen.mask.any(1).nonzero()[:, 0], seen.mask.any(0).nonzero()[:, 0]
    corners = int(cols[0]) - 3, int(rows[0]) - 3, int(cols[-1]) + 4, int(rows[-1]) + 4
    around = Region.from_box(corners, *seen.mask.shape).masks[0]
    assert overlap(object_in_box(around, seen.points), seen.mask) > 0.85  # its foot stands on the floor
    assert overlap(around, seen.mask) < 0.6


def test_the_wall_that_shows_through_a_ring_is_not_part_of_it() -> None:
    points, mask = room("ring")
    assert overlap(object_in_box(box(45, 25, 95, 75), points), mask) > 0.9


def test_a_box_at_the_border_of_the_picture_finds_its_object() -> None:
    points, mask = room()
    cut = PointMap(points.xyz[:, :80], points.valid[:, :80], "cam")
    around = Region.from_box((45, 25, 80, 75), 96, 80).masks[0]
    assert overlap(object_in_box(around, cut), mask[:, :80]) > 0.9


def test_a_box_that_is_the_whole_picture_marks_all_that_has_depth() -> None:
    points, _ = room()
    valid = points.valid.clone()
    valid[:, :10] = False
    known = PointMap.from_xyz(points.xyz, "cam", valid)
    assert torch.equal(object_in_box(torch.ones(SIZE, dtype=torch.bool), known), valid)


@pytest.mark.parametrize("hole", [0.0, -1.0, math.nan, math.inf])
def test_holes_that_an_object_encloses_belong_to_it_and_sky_does_not(hole: float) -> None:
    points, mask = room()
    depth = points.xyz[..., 2].clone()
    depth[45:52, 60:70] = hole
    depth[:40][~mask[:40]] = hole  # sky above the floor
    found = object_in_box(box(45, 25, 95, 75), unproject(depth, default_intrinsics(*SIZE)))
    assert found[45:52, 60:70].all()
    assert overlap(found, mask) > 0.9


def test_the_same_seed_gives_the_same_mask() -> None:
    points, _ = room()
    assert torch.equal(*(object_in_box(box(45, 25, 95, 75), points, seed=4) for _ in range(2)))


def test_a_box_without_depth_or_without_anything_in_it_is_refused() -> None:
    points, _ = room()
    nothing = PointMap(torch.zeros_like(points.xyz), torch.zeros_like(points.valid), "cam")
    with pytest.raises(ValueError, match="no pixel of the box has depth"):
        object_in_box(box(45, 25, 95, 75), nothing)
    with pytest.raises(ValueError, match="nothing in the box stands out"):
        object_in_box(box(5, 60, 30, 85), points)  # floor alone
    with pytest.raises(ValueError, match="frame 'cam'"):
        object_in_box(box(45, 25, 95, 75), transform(points, torch.eye(4), "world"))
