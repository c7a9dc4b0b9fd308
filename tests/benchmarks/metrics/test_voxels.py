import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from skimage.measure import marching_cubes
from trimesh import Trimesh
from trimesh.util import concatenate

from benchmarks.metrics.surface import Surface
from benchmarks.metrics.voxels import LINE_OFFSET, VOXEL, solid_voxels, surface_voxels, voxel_iou
from tests.support.shapes import broken, cube, hollow, lump, moved, random_motion, sphere, translation

SEEDS = st.integers(0, 10_000)


def as_set(voxels: np.ndarray) -> set[tuple[int, ...]]:
    return set(map(tuple, voxels.tolist()))


@pytest.mark.parametrize("kind", ["solid", "surface"])
def test_equal_meshes_fill_equal_voxels(kind: str) -> None:
    mesh = moved(lump(), random_motion(0))
    assert voxel_iou(mesh, mesh, kind) == 1.0


@pytest.mark.parametrize("kind", ["solid", "surface"])
@pytest.mark.parametrize("scale", [1 - 1e-6, 1 + 1e-6])
def test_rounding_moves_no_face_of_a_normalised_mesh_to_other_voxels(kind: str, scale: float) -> None:
    assert voxel_iou(cube(side=2 * scale), cube(side=2), kind) == 1.0


@pytest.mark.parametrize("steps", [0, 1, 8, 31])
def test_a_unit_cube_shifted_by_whole_voxels_overlaps_by_its_closed_form(steps: int) -> None:
    d = steps * VOXEL
    assert voxel_iou(cube(d), cube(), "solid") == pytest.approx((1 - d) / (1 + d), abs=1e-12)


@given(st.floats(0, 0.9))
@example(0.10962126813414164)  # 3.508 voxels, which lines beside the centres round down
@settings(max_examples=10, deadline=None)
def test_a_unit_cube_shifted_by_any_length_overlaps_nearly_by_its_closed_form(d: float) -> None:
    found = voxel_iou(cube(d), cube(), "solid")
    error = VOXEL * (0.5 + LINE_OFFSET.max())  # a voxel counts by a line beside its centre
    low, high = ((1 - e) / (1 + e) for e in (d + error, max(0.0, d - error)))
    assert low - 1e-9 <= found <= high + 1e-9


def test_a_cube_has_the_voxels_of_its_faces() -> None:
    assert len(solid_voxels(cube(side=2))) == 64**3
    assert len(surface_voxels(cube(side=2))) == 65**3 - 63**3


def test_what_sticks_out_of_the_normalised_cube_counts() -> None:
    assert voxel_iou(cube(side=4), cube(side=2), "solid") == 1 / 8


def test_a_sphere_is_full_and_its_surface_is_thin() -> None:
    ball = sphere(subdivisions=5)
    assert len(solid_voxels(ball)) * VOXEL**3 == pytest.approx(ball.volume, rel=0.01)
    one, other = ball, moved(ball, translation(0.1))
    assert voxel_iou(one, other, "surface") < 0.5 * voxel_iou(one, other, "solid")


def test_overlapping_parts_are_full_and_cavities_are_empty() -> None:
    joint = concatenate([cube(), cube(0.5)])
    whole = Trimesh(*_box(1.5, 1.0, 1.0, 0.25))
    assert voxel_iou(joint, whole, "solid") == 1.0
    cavity = cube(side=0.5)
    cavity.invert()
    shell = concatenate([cube(), cavity])
    assert len(solid_voxels(shell)) == 32**3 - 16**3


def _box(x: float, y: float, z: float, shift: float) -> tuple[np.ndarray, np.ndarray]:
    mesh = cube()
    return mesh.vertices * [x, y, z] + [shift, 0, 0], mesh.faces


def test_marching_cubes_on_the_centres_of_the_voxels_gives_back_what_it_was_made_from() -> None:
    centres = (np.arange(-34, 34) + 0.5) * VOXEL  # all corners of the mesh then lie on lines through centres
    x, y, z = np.meshgrid(centres, centres, centres, indexing="ij")
    gap = np.maximum(np.sqrt(x**2 + y**2) - 0.6, np.abs(z) - 0.8) + 0.05 * np.sin(9 * x) * np.sin(7 * y)
    vertices, faces, *_ = marching_cubes(gap, 0.0)
    mesh = Trimesh((vertices - 34 + 0.5) * VOXEL, faces)
    wanted, found = as_set(np.argwhere(gap < 0) - 34), as_set(solid_voxels(mesh))
    assert len(wanted ^ found) <= 0.002 * len(wanted)  # lines stand beside the centres by up to 2 % of a voxel


@given(SEEDS)
@settings(max_examples=10, deadline=None)
def test_solid_voxels_are_those_whose_centre_is_behind_all_faces_of_a_convex_body(seed: int) -> None:
    body, side = moved(lump(seed), random_motion(seed)), 0.15
    found = as_set(solid_voxels(body, side))
    low, high = np.floor(body.bounds / side).astype(int)
    every = np.stack(np.meshgrid(*map(np.arange, low - 1, high + 2), indexing="ij"), -1).reshape(-1, 3)
    depth = (((every + 0.5) * side)[:, None] - body.triangles_center) * body.face_normals
    behind = depth.sum(-1).max(1)
    assert as_set(every[behind < -0.03 * side]) <= found <= as_set(every[behind < 0.03 * side])


@given(SEEDS)
@settings(max_examples=10, deadline=None)
def test_surface_voxels_are_those_that_hold_a_point_of_a_triangle(seed: int) -> None:
    body, side = moved(lump(seed), random_motion(seed)), 0.15
    found = surface_voxels(body, side)
    assert len(as_set(found)) == len(found)
    points = Surface(body).sample(20_000, np.random.default_rng(seed))
    assert as_set(np.rint(points / side).astype(int)) <= as_set(found)
    offset = np.abs(found * side - Surface(body).nearest(found * side))
    assert np.linalg.norm(offset, axis=1).max() <= np.sqrt(3) / 2 * side + 1e-5


def test_voxels_of_a_mesh_that_is_open_are_refused_for_solids_only() -> None:
    with pytest.raises(ValueError, match="the predicted mesh must be closed to have an inside, but 3 of its edges"):
        voxel_iou(hollow(cube()), cube(), "solid")
    assert voxel_iou(hollow(cube()), cube(), "surface") < 1
    faces = cube().faces.copy()
    faces[0] = faces[0][::-1]  # closed, but one face looks inwards
    with pytest.raises(ValueError, match="mesh must be closed"):
        solid_voxels(Trimesh(cube().vertices, faces, process=False))


def test_bad_input_is_one_clear_error() -> None:
    for kind in ("solid", "surface"):
        with pytest.raises(ValueError, match="the true mesh has no face"):
            voxel_iou(cube(), Trimesh(), kind)
        with pytest.raises(ValueError, match=r"the predicted mesh has .* NaN"):
            voxel_iou(broken(cube()), cube(), kind)
        with pytest.raises(ValueError, match="normalise it"):
            voxel_iou(cube(side=1000), cube(), kind)
        with pytest.raises(ValueError, match="voxel_size must be positive"):
            voxel_iou(cube(), cube(), kind, voxel_size=0.0)
    with pytest.raises(ValueError, match="contains no centre"):
        voxel_iou(cube(), cube(side=0.01), "solid")


def test_a_prediction_too_thin_for_the_lattice_scores_nothing() -> None:
    assert voxel_iou(cube(side=0.01), cube(), "solid") == 0.0
