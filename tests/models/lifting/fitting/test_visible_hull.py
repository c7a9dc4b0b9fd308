"""The visible hull: what a view proves, completed by symmetry, on what the object stands."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from trimesh import Trimesh
from trimesh.creation import box, cylinder

from models.geometry import PointMap
from models.geometry.mesh import Mesh
from models.lifting.fitting.agreement import hidden_outline, measure_agreement
from models.lifting.fitting.mirror import find_mirror
from models.lifting.fitting.visible_hull import VisibleHull, visible_hull, without_strays
from models.lifting.inputs.masked_picture import MaskedPicture
from models.lifting.meshes.ray_casting import cast_rays, inside_mesh

HEIGHT, WIDTH, FOCAL = 90, 120, 120.0
TABLE = 0.8  # metres below the camera
TILT = np.radians(25)  # of the camera, downwards
UP = np.array([0.0, -np.cos(TILT), -np.sin(TILT)])  # in the camera frame


def placed(mesh: Trimesh, z: float = 2.0, height: float = 0.0) -> Trimesh:
    """Stand a mesh (z up, its lowest point at 0) on the table, `z` metres ahead, in the camera frame."""
    side, ahead = np.array([1.0, 0, 0]), np.array([0, -np.sin(TILT), np.cos(TILT)])
    moved = mesh.copy()
    moved.vertices = mesh.vertices @ np.stack([side, ahead, UP]) + z * ahead - (TABLE - height) * UP
    return moved


def seen_by_camera(mesh: Trimesh, *others: Trimesh) -> MaskedPicture:
    """Cast a picture of a mesh among others, with exact depth."""
    scene = [mesh, *others]
    col, row = np.meshgrid(np.arange(WIDTH) + 0.5, np.arange(HEIGHT) + 0.5)
    rays = np.stack([(col - WIDTH / 2) / FOCAL, (row - HEIGHT / 2) / FOCAL, np.ones_like(row)], -1)
    rays = torch.tensor(np.concatenate([np.zeros_like(rays), rays], -1))
    depths = np.stack([cast_rays(as_mesh(one), rays)["t_hit"].numpy() for one in scene])
    depth = torch.tensor(depths.min(0))
    valid = depth.isfinite()
    xyz = torch.where(valid[..., None], depth.nan_to_num(posinf=0.0)[..., None] * rays[..., 3:].float(), 0.0)
    mask = torch.tensor(depths.argmin(0) == 0) & valid
    intrinsics = torch.tensor([[FOCAL, 0, WIDTH / 2], [0, FOCAL, HEIGHT / 2], [0, 0, 1]])
    return MaskedPicture(torch.full((3, HEIGHT, WIDTH), 0.5), mask, PointMap(xyz.float(), valid, "cam"), intrinsics)


def as_mesh(mesh: Trimesh) -> Mesh:
    return Mesh(torch.tensor(np.array(mesh.vertices)).float(), torch.tensor(np.array(mesh.faces)))


def standing(shape: Trimesh) -> Trimesh:
    return shape.apply_translation([0, 0, -shape.bounds[0][2]])


TOP = placed(standing(box([1.2, 1.2, 0.02])), height=-0.02)
FLOOR = placed(standing(box([8, 8, 0.02])), z=3.0, height=-0.7)
BOX = placed(standing(box([0.4, 0.25, 0.3])))


def on_a_table(mesh: Trimesh) -> MaskedPicture:
    return seen_by_camera(mesh, TOP, FLOOR)


def extents(hull: VisibleHull) -> np.ndarray:
    return np.asarray(hull.fit.scale * np.ptp(hull.mesh.vertices.numpy(), axis=0))


@pytest.fixture(scope="module")
def boxed() -> MaskedPicture:
    return on_a_table(BOX)


def test_a_table_is_the_support_although_the_floor_lies_far_below_it(boxed: MaskedPicture) -> None:
    support = boxed.evidence.support
    assert support is not None
    np.testing.assert_allclose(support.normal, UP, atol=0.01)
    assert support.offset == pytest.approx(TABLE, abs=0.01)
    assert boxed.evidence.floor(UP) is support


def test_a_table_before_an_object_is_no_support_of_it() -> None:
    behind = placed(standing(box([0.4, 0.25, 1.2])), z=3.2, height=-0.7)
    support = on_a_table(behind).evidence.support
    assert support is None or support.offset > TABLE + 0.5


def test_a_box_that_shows_its_front_and_top_is_completed_to_its_size(boxed: MaskedPicture) -> None:
    hull = visible_hull(boxed.evidence)
    assert hull.mirror is not None
    assert sorted(extents(hull)) == pytest.approx([0.25, 0.3, 0.4], abs=0.05)  # three pixels
    mesh = Trimesh(hull.fit.to_camera(hull.mesh.vertices.double().numpy()), hull.mesh.faces.numpy(), process=False)
    assert mesh.is_watertight
    assert mesh.volume == pytest.approx(BOX.volume, rel=0.15)


def test_symmetry_gives_a_cylinder_its_back() -> None:
    shape = placed(standing(cylinder(0.15, 0.4)))
    evidence = on_a_table(shape).evidence
    half, whole = (visible_hull(evidence, symmetry=symmetry) for symmetry in (False, True))
    volumes = [
        Trimesh(one.fit.to_camera(one.mesh.vertices.double().numpy()), one.mesh.faces.numpy()).volume / shape.volume
        for one in (half, whole)
    ]
    assert volumes[0] < 0.85
    assert volumes[1] == pytest.approx(1, abs=0.12)


def test_what_is_seen_through_a_gap_is_empty() -> None:
    gate = standing(
        box([0.6, 0.1, 0.1], transform=np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0.4], [0, 0, 0, 1]]))
    )
    legs = [box([0.1, 0.1, 0.4]).apply_translation([x, 0, 0.2]) for x in (-0.25, 0.25)]
    gate = gate.apply_translation([0, 0, 0.4])
    picture = on_a_table(placed(Trimesh(*_joined([gate, *legs]), process=False)))
    hull = visible_hull(picture.evidence)
    found = Mesh(torch.tensor(hull.fit.to_camera(hull.mesh.vertices.double().numpy())).float(), hull.mesh.faces)
    gap = placed(Trimesh([[0, 0, 0.2], [0, 0, 0.21], [0, 0.01, 0.2]], [[0, 1, 2]], process=False)).vertices
    assert not inside_mesh(found, torch.tensor(np.array(gap))).any()
    agreement = measure_agreement(found, picture)
    assert agreement.silhouette > 0.75  # a pixel of 120 at either side of a leg that is six wide
    assert agreement.depth < 0.05


def _joined(parts: list[Trimesh]) -> tuple[np.ndarray, np.ndarray]:
    starts = np.cumsum([0, *[len(part.vertices) for part in parts]])
    faces = [part.faces + start for part, start in zip(parts, starts, strict=False)]
    return np.concatenate([part.vertices for part in parts]), np.concatenate(faces)


def test_an_exact_mesh_agrees_and_one_aside_does_not(boxed: MaskedPicture) -> None:
    exact = measure_agreement(as_mesh(BOX), boxed)
    assert exact.silhouette > 0.98
    assert exact.depth < 0.01
    aside = measure_agreement(as_mesh(BOX.copy().apply_translation([0.2, 0, 0])), boxed)
    assert aside.silhouette == pytest.approx(1 / 3, abs=0.1)  # half of it, over one and a half
    assert aside.depth > 0.4
    assert aside.disagreement == pytest.approx(1 - aside.silhouette + aside.depth)


def test_an_outline_is_hidden_where_something_nearer_or_the_edge_cuts_it(boxed: MaskedPicture) -> None:
    assert hidden_outline(boxed) == 0
    before = placed(standing(box([0.3, 0.02, 0.3])).apply_translation([0.2, 0, 0]), z=1.5)
    assert 0.15 < hidden_outline(seen_by_camera(BOX, TOP, FLOOR, before)) < 0.6
    assert hidden_outline(seen_by_camera(placed(standing(box([3, 0.25, 0.3]))), TOP, FLOOR)) > 0.1


def test_no_plane_mirrors_an_object_into_space_seen_to_be_empty(boxed: MaskedPicture) -> None:
    mirror = find_mirror(boxed.evidence, UP)
    assert mirror is not None
    points = boxed.evidence.points
    np.testing.assert_allclose(mirror.apply(mirror.apply(points)), points, atol=1e-9)
    assert mirror.intrusion <= 0.02


def test_strays_and_flat_views_leave_a_solid(boxed: MaskedPicture) -> None:
    cloud = np.random.default_rng(0).normal(size=(500, 3))
    assert len(without_strays(np.concatenate([cloud, [[50.0, 0, 0]]]))) <= 500
    flat = replace(boxed.evidence, points=np.array([[0.0, 0, 2], [0.1, 0, 2], [0, 0.1, 2]]))
    assert len(visible_hull(flat, symmetry=False).mesh.faces) > 0
    with pytest.raises(ValueError, match="span no hull; mark more of the object"):
        visible_hull(replace(boxed.evidence, points=np.array([[0.0, 0, 2]])), symmetry=False)
