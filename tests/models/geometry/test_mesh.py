"""Measures of closed meshes."""

import math

import pytest
import torch

from models.geometry.mesh import Mesh, sphericity
from models.lifting.meshes.mesh import extract_mesh
from tests.support.lifting import ball


def tetrahedron(height: float = 1.0) -> Mesh:
    vertices = torch.tensor([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, height]])
    return Mesh(vertices, torch.tensor([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]]))


def test_a_ball_is_round_and_what_is_thin_is_not() -> None:
    assert sphericity(extract_mesh(ball(64, 0.4))) == pytest.approx(1, abs=0.06)  # of voxels: a little rough
    area, volume = 1.5 + math.sqrt(3) / 2, 1 / 6
    assert sphericity(tetrahedron()) == pytest.approx(math.pi ** (1 / 3) * (6 * volume) ** (2 / 3) / area)
    assert sphericity(tetrahedron(0.01)) < 0.2 * sphericity(tetrahedron())


def test_size_and_place_do_not_matter_and_nothing_is_not_round() -> None:
    moved = Mesh(100 + 7 * tetrahedron().vertices.double(), tetrahedron().faces)
    assert sphericity(moved) == pytest.approx(sphericity(tetrahedron()))
    assert sphericity(Mesh(torch.zeros(0, 3), torch.zeros(0, 3, dtype=torch.long))) == 0
