"""Meshes out of fields: where they lie, that they are closed, and what is cleaned away."""

import math

import pytest
import torch

from models.geometry import voxel_centres
from models.lifting.export import to_trimesh
from models.lifting.meshes.mesh import ColouredMesh, coloured, extract_mesh
from tests.support.lifting import ball


def test_a_sphere_comes_out_at_its_place_with_its_radius_and_outward_faces() -> None:
    centre = (0.1, -0.05, 0.02)
    mesh = extract_mesh(ball(32, 0.3, centre))
    distance = (mesh.vertices - torch.tensor(centre)).norm(dim=-1)
    assert (distance - 0.3).abs().max() < 0.003  # linear interpolation of a curved field over voxels of 1/32
    solid = to_trimesh(mesh)
    assert solid.is_watertight
    assert solid.volume == pytest.approx(4 / 3 * math.pi * 0.3**3, rel=0.02)  # positive: normals point outwards


def test_axes_are_not_exchanged() -> None:
    centres = voxel_centres(32, torch.zeros(1))
    box = -(centres.abs() - torch.tensor([0.1, 0.2, 0.4])).amax(-1)
    extent = extract_mesh(box).vertices.abs().amax(0)
    torch.testing.assert_close(extent, torch.tensor([0.1, 0.2, 0.4]), atol=2e-3, rtol=0)


def test_logits_of_any_size_give_the_surface_between_their_signs() -> None:
    mesh = extract_mesh(40 * ball(32, 0.3))
    assert (mesh.vertices.norm(dim=-1) - 0.3).abs().max() < 0.003


def test_an_object_at_the_border_is_closed_there() -> None:
    solid = to_trimesh(extract_mesh(ball(16, 0.7)))
    assert solid.is_watertight
    assert abs(solid.vertices).max() <= 0.5 + 1 / 32 + 1e-6  # half a voxel beyond the last centre is the cube's face


def test_small_floaters_are_cleaned_away_and_large_parts_stay() -> None:
    large, second = ball(32, 0.2, (-0.2, 0, 0)), ball(32, 0.15, (0.25, 0, 0))
    floater = ball(32, 0.05, (0, 0.4, 0.4))
    mesh = extract_mesh(torch.stack([large, second, floater]).amax(0))
    assert to_trimesh(mesh).body_count == 2
    assert to_trimesh(extract_mesh(torch.stack([large, second, floater]).amax(0), smallest=0.0)).body_count == 3


def test_fields_without_a_surface_are_one_clear_error() -> None:
    with pytest.raises(ValueError, match="has no inside"):
        extract_mesh(torch.full((8, 8, 8), -1.0))
    with pytest.raises(ValueError, match="not finite"):
        extract_mesh(torch.full((8, 8, 8), torch.nan))


def test_a_field_that_is_full_is_the_whole_cube() -> None:
    assert to_trimesh(extract_mesh(torch.ones(8, 8, 8))).is_watertight


def test_painting_rounds_to_bytes() -> None:
    mesh = extract_mesh(ball(8, 0.3))
    assert isinstance(mesh, ColouredMesh)
    painted = coloured(mesh, torch.tensor([0.0, 0.5, 2.0]).expand(len(mesh.vertices), 3))
    assert painted.colours.unique(dim=0).tolist() == [[0, 128, 255]]
