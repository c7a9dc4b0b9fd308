"""Random compositions: watertight, of many kinds, the same for the same seed."""

from __future__ import annotations

import pytest
import torch
from trimesh import Trimesh

from scenes.compositions.composition import FORMAT, Compositions, make_composition
from scenes.compositions.fields import Cut, Deformed, Hollowed, Joined, Part
from scenes.meshes.solid import MeshSolid
from scenes.worlds.objects.primitives import box, cylinder, sphere

TRIANGLES = [1684, 1042, 1690]
INSIDE, OUTSIDE = -1.0, 1.0


@pytest.fixture(scope="module")
def solids() -> list[MeshSolid]:
    source = Compositions((0, 6), resolution=24)
    return [source[k] for k in range(len(source))]


def sides(field: object, *points: tuple[float, float, float]) -> list[float]:
    return field(torch.tensor(points)).sign().tolist()  # type: ignore[operator]


def test_every_composition_is_watertight_and_fills_its_cube(solids: list[MeshSolid]) -> None:
    for solid in solids:
        mesh = Trimesh(solid.looks.mesh.vertices.numpy(), solid.looks.mesh.faces.numpy(), process=False)
        assert mesh.is_watertight
        assert mesh.volume > 0
        assert float(solid.extents.max()) == pytest.approx(0.9, abs=1e-5)
        assert bool((solid.looks.colours >= 0).all() & (solid.looks.colours <= 1).all())


def test_the_winding_number_finds_the_volume_of_the_mesh(solids: list[MeshSolid]) -> None:
    solid = solids[0]
    mesh = Trimesh(solid.looks.mesh.vertices.numpy(), solid.looks.mesh.faces.numpy(), process=False)
    share = float((solid.distance_grid(32) <= 0).float().mean())
    assert share == pytest.approx(mesh.volume, rel=0.1)


def test_the_shapes_of_seeds_are_those_of_the_format(solids: list[MeshSolid]) -> None:
    drawn = [len(solid.looks.mesh.faces) for solid in solids[:3]]
    assert (FORMAT, drawn) == (1, pytest.approx(TRIANGLES, rel=0.02))  # another rounding moves single voxels
    again = make_composition(1, 24)
    assert torch.equal(again.looks.mesh.vertices, solids[1].looks.mesh.vertices)
    assert torch.equal(again.looks.colours, solids[1].looks.colours)


def test_a_hollow_ball_is_a_bowl() -> None:
    bowl = Hollowed(Part(sphere((0.0, 0.0, 0.0), 1.0)), thickness=0.1, opening=0.5)
    assert sides(bowl, (0.1, 0, 0.1), (0, 0, -0.95), (0, 0, 0.95), (0.95, 0, 0)) == [OUTSIDE, INSIDE, OUTSIDE, INSIDE]


def test_a_hole_goes_through_a_board() -> None:
    board = Cut(Part(box((0.0, 0.0, 0.0), (1.0, 1.0, 0.1))), (Part(cylinder((0.0, 0.0, 0.0), 0.3, 0.5)),))
    assert sides(board, (0, 0, 0), (0.5, 0, 0)) == [OUTSIDE, INSIDE]


def test_seams_are_rounded_and_far_away_nothing_changes() -> None:
    parts = Part(sphere((-1.0, 0.0, 0.0), 1.0)), Part(sphere((1.0, 0.0, 0.0), 1.0))
    sharp, round_ = Joined(parts), Joined(parts, 0.4)
    assert sides(sharp, (0, 0, 0.05)) == [OUTSIDE]
    assert sides(round_, (0, 0, 0.05)) == [INSIDE]
    far = torch.tensor([[-2.5, 0.0, 0.0]])
    assert torch.equal(sharp(far), round_(far))


def test_a_twist_by_a_quarter_turn_and_a_bend_move_what_they_say() -> None:
    bar = Part(box((0.0, 0.0, 0.0), (0.8, 0.1, 1.0)))
    twisted = Deformed(bar, twist=torch.pi / 2)
    assert sides(twisted, (0.7, 0, 0), (0.7, 0, 0.99), (0, 0.7, 0.99)) == [INSIDE, OUTSIDE, INSIDE]
    bent = Deformed(bar, bend=1.0)
    assert sides(bent, (1.2, 0, 0.95), (1.2, 0, 0)) == [INSIDE, OUTSIDE]


def test_seeds_without_a_composition_are_refused() -> None:
    with pytest.raises(ValueError, match=r"seeds=\[4, 4\] has no composition"):
        Compositions([4, 4])
