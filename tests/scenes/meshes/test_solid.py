"""Signed distances of meshes, whether they are closed, overlap, are open, or are inside out."""

from __future__ import annotations

import pickle

import pytest
import torch
from trimesh import Trimesh
from trimesh.creation import icosphere

from models.geometry import Mesh, voxel_centres
from scenes.meshes.solid import MeshSolid
from scenes.meshes.textured_mesh import TexturedMesh
from tests.support.meshes import open_box


def solid(shape: Trimesh, watertight: bool = True) -> MeshSolid:
    mesh = Mesh(torch.tensor(shape.vertices).float(), torch.tensor(shape.faces))
    return MeshSolid.centred("it", TexturedMesh(mesh, torch.zeros_like(mesh.vertices)), watertight)


def test_a_ball_of_any_size_and_place_has_the_distance_of_a_ball_in_the_cube() -> None:
    ball = icosphere(subdivisions=4, radius=7.0)
    ball.apply_translation([3, -2, 11])
    expected = voxel_centres(16, torch.zeros(1)).norm(dim=-1) - 0.45
    torch.testing.assert_close(solid(ball).distance_grid(16), expected, atol=2e-3, rtol=0)  # facets


def test_a_fine_grid_is_exact_near_the_surface_and_has_the_right_sides() -> None:
    fine = solid(icosphere(subdivisions=4)).distance_grid(48)
    expected = voxel_centres(48, torch.zeros(1)).norm(dim=-1) - 0.45
    near = expected.abs() < 0.02
    torch.testing.assert_close(fine[near], expected[near], atol=2e-3, rtol=0)
    assert torch.equal(fine <= 0, expected <= 0)


def test_a_mesh_inside_out_has_the_same_inside() -> None:
    ball = icosphere(subdivisions=2)
    torch.testing.assert_close(
        solid(ball).distance_grid(8), solid(Trimesh(ball.vertices, ball.faces[:, ::-1])).distance_grid(8)
    )


def test_what_overlaps_is_inside_once_and_inner_parts_stay_inside() -> None:
    left, right, inner = icosphere(2), icosphere(2), icosphere(2, 0.3)
    right.apply_translation([0.8, 0, 0])
    union = solid(left + right + inner)
    assert union.caster.winding_number(torch.tensor([[0.0, 0.0, 0.0]])) > 1.5  # by counting, it would be outside
    points = voxel_centres(16, torch.zeros(1)) / (0.9 / 2.8)  # back to radius 1, centres at -0.4 and 0.4
    centres = torch.tensor([[-0.4, 0.0, 0.0], [0.4, 0.0, 0.0]])
    away = (points[..., None, :] - centres).norm(dim=-1).amin(-1) - 1
    sure = away.abs() > 0.06  # from the facets
    assert torch.equal((union.distance_grid(16) <= 0)[sure], (away <= 0)[sure])


def test_an_open_box_keeps_its_walls_and_its_inside() -> None:
    box = solid(open_box(), watertight=False)
    grid = box.distance_grid(16)
    assert grid[8, 8, 4] < 0  # where the opening is a small part of what is around
    assert grid[1, 8, 13] < 0  # a wall beside the opening
    above = torch.tensor([[0.0, 0.0, 0.7], [0.0, 0.0, -0.7]])
    expected = torch.tensor([0.277, -0.0])  # 4 atan(0.45^2 / (0.25 sqrt(2 0.45^2 + 0.25^2))) / 4 pi: the missing top
    torch.testing.assert_close(box.caster.winding_number(above), expected, atol=0.1, rtol=0)
    assert box.caster.winding_number(torch.zeros(1, 3)) == pytest.approx(5 / 6, abs=0.1)


def test_a_sheet_without_thickness_becomes_a_thin_solid() -> None:
    square = Trimesh([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], [[0, 1, 2], [0, 2, 3]], process=False)
    inside = solid(square, watertight=False).distance_grid(16) <= 0
    assert inside.any(0).any(0).nonzero().flatten().tolist() == [7, 8]  # two layers of voxels


def test_a_mesh_without_extent_is_refused() -> None:
    with pytest.raises(ValueError, match="it has no extent"):
        solid(Trimesh([[1, 1, 1]] * 3, [[0, 1, 2]], process=False))


def test_a_solid_goes_to_another_process_after_it_was_used() -> None:
    ball = solid(icosphere(subdivisions=1))
    expected = ball.distance_grid(4)
    assert torch.equal(pickle.loads(pickle.dumps(ball)).distance_grid(4), expected)
