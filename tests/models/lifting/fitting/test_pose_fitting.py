"""Fitting a lifted shape to what its picture shows of it."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from models.lifting.fitting.pose_fitting import LEANING_MARGIN, Fit, PoseFitter, set_upright
from models.lifting.inputs.evidence import Evidence
from models.lifting.meshes.mesh import ColouredMesh, extract_mesh
from tests.support.lifting import SeenObject


@pytest.fixture(scope="module")
def mesh(seen: SeenObject) -> ColouredMesh:
    return extract_mesh(seen.inside(32))


@pytest.fixture(scope="module")
def fitter(seen: SeenObject, mesh: ColouredMesh) -> PoseFitter:
    return PoseFitter(mesh, Evidence.of(seen.points, seen.mask, seen.intrinsics))


@pytest.fixture(scope="module")
def true(seen: SeenObject) -> Fit:
    return Fit(seen.cam_T_obj.double().numpy(), seen.scale)


def apart(mesh: ColouredMesh, seen: SeenObject, fit: Fit) -> float:
    """Mean distance between the shape where it is and where it should be, in sides of the cube (as ADD-S measures)."""
    vertices = mesh.vertices.double().numpy()
    here, there = fit.to_camera(vertices), Fit(seen.cam_T_obj.double().numpy(), seen.scale).to_camera(vertices)
    return float(cKDTree(there).query(here)[0].mean() + cKDTree(here).query(there)[0].mean()) / 2 / seen.scale


@pytest.mark.parametrize("heading", [10, 120, 180])
def test_a_shape_that_stands_wrong_comes_back_to_its_points(
    mesh: ColouredMesh, seen: SeenObject, fitter: PoseFitter, true: Fit, heading: int
) -> None:
    pose = true.cam_T_obj.copy()
    pose[:3, :3] @= Rotation.from_euler("zx", [heading, 8], degrees=True).as_matrix()
    pose[:3, 3] += np.array([0.08, -0.05, 0.1]) * seen.scale
    start = Fit(pose, 1.03 * seen.scale)
    found = fitter.fit(start)
    assert apart(mesh, seen, start) > 0.05
    assert apart(mesh, seen, found) < 0.015
    assert found.residual < 0.5 * fitter.measure(start).residual
    np.testing.assert_allclose(found.cam_T_obj[:3, :3] @ found.cam_T_obj[:3, :3].T, np.eye(3), atol=1e-6)


def test_a_fit_is_never_much_worse_than_its_start_and_the_truth_hardly_moves(
    mesh: ColouredMesh, seen: SeenObject, fitter: PoseFitter, true: Fit
) -> None:
    found = fitter.fit(true)
    assert found.residual <= fitter.measure(true).residual + LEANING_MARGIN < 0.1  # silhouettes are exact to a pixel
    assert apart(mesh, seen, found) < 0.015
    pose = true.cam_T_obj.copy()
    pose[:3, 3] += 20  # no step leads back from here
    far = Fit(pose, seen.scale)
    assert fitter.fit(far).residual <= fitter.measure(far).residual


@pytest.mark.parametrize("stretch", [[1.0, 1.0, 0.9], [1.0, 1.0, 1.12]])
def test_a_shape_of_wrong_height_is_stretched_to_its_points_and_the_floor(
    mesh: ColouredMesh, seen: SeenObject, true: Fit, stretch: list[float]
) -> None:
    wrong = ColouredMesh(mesh.vertices * torch.tensor(stretch), mesh.faces, mesh.colours)
    fitter = PoseFitter(wrong, Evidence.of(seen.points, seen.mask, seen.intrinsics))
    found = fitter.fit(true)
    vertices, scale = found.stretched(wrong.vertices)
    there = true.to_camera(mesh.vertices.double().numpy())
    here = Fit(found.cam_T_obj, scale).to_camera(vertices.double().numpy())
    np.testing.assert_allclose(here, found.to_camera(wrong.vertices.double().numpy()), atol=1e-5)
    before = np.abs(np.ptp(true.to_camera(wrong.vertices.double().numpy()), axis=0) - np.ptp(there, axis=0)).max()
    assert np.abs(np.ptp(here, axis=0) - np.ptp(there, axis=0)).max() < 0.5 * before
    floor = fitter.evidence.floor(found.up)
    assert floor is not None
    assert floor.height(here).min() == pytest.approx(0, abs=1e-6 * seen.scale)


def test_a_stretched_shape_stays_in_its_cube(mesh: ColouredMesh) -> None:
    fit = Fit(np.eye(4), 2.0, stretch=np.array([1.0, 1.0, 1.4]))
    vertices, scale = fit.stretched(mesh.vertices)
    assert float(vertices.abs().max()) <= 0.5
    np.testing.assert_allclose(scale * vertices.numpy(), fit.to_camera(mesh.vertices.double().numpy()), atol=1e-5)
    np.testing.assert_allclose(fit.to_cube(fit.to_camera(np.ones((1, 3)))), np.ones((1, 3)))


def test_what_hangs_far_above_the_floor_is_not_pulled_down_to_it(
    mesh: ColouredMesh, seen: SeenObject, fitter: PoseFitter, true: Fit
) -> None:
    floor = fitter.evidence.floor(true.up)
    assert floor is not None
    pose = true.cam_T_obj.copy()
    pose[:3, 3] += 2 * seen.scale * true.up
    lifted = Fit(pose, seen.scale)
    assert fitter._reach_floor(lifted, floor) is lifted
    pose = true.cam_T_obj.copy()
    pose[:3, 3] += 0.1 * seen.scale * true.up
    reached = fitter._reach_floor(Fit(pose, seen.scale), floor)
    heights = floor.height(reached.to_camera(fitter.vertices))
    assert heights.min() == pytest.approx(0, abs=1e-4 * seen.scale)
    assert heights.max() == pytest.approx(
        floor.height(Fit(pose, seen.scale).to_camera(fitter.vertices)).max(), abs=1e-4 * seen.scale
    )


def test_what_stands_on_something_low_is_not_drawn_past_it_to_the_floor(
    mesh: ColouredMesh, seen: SeenObject, fitter: PoseFitter, true: Fit
) -> None:
    floor = fitter.evidence.floor(true.up)
    assert floor is not None
    rise = 0.1 * seen.scale
    pose = true.cam_T_obj.copy()
    pose[:3, 3] += rise * floor.normal
    raised = replace(fitter.evidence, points=fitter.evidence.points + rise * floor.normal)
    cover = np.random.default_rng(0).uniform([-0.3, -0.3, 0], [0.3, 0.3, 0], (40, 3))  # of a book, under the shape
    cover[:, 2] = mesh.vertices[:, 2].min()
    book = Fit(pose, seen.scale).to_camera(cover)
    carried = replace(raised, surroundings=np.concatenate([raised.surroundings, book]))
    lowest = {}
    for name, evidence in {"floor": raised, "book": carried}.items():
        other = PoseFitter(mesh, evidence)
        found = other.fit(Fit(pose, seen.scale))
        lowest[name] = floor.height(found.to_camera(other.vertices)).min() / rise
    assert lowest["floor"] == pytest.approx(0, abs=0.05)
    assert lowest["book"] == pytest.approx(1, abs=0.3)


def test_what_sinks_into_the_floor_is_shortened(
    mesh: ColouredMesh, seen: SeenObject, fitter: PoseFitter, true: Fit
) -> None:
    wrong = ColouredMesh(mesh.vertices * torch.tensor([1.0, 1.0, 1.2]), mesh.faces, mesh.colours)
    other = PoseFitter(wrong, fitter.evidence)
    found = other.fit(true)
    floor = fitter.evidence.floor(found.up)
    assert floor is not None
    assert floor.height(true.to_camera(other.vertices)).min() < -0.02 * seen.scale
    assert floor.height(found.to_camera(other.vertices)).min() == pytest.approx(0, abs=1e-6 * seen.scale)


def test_a_shape_is_set_upright_about_its_points(seen: SeenObject, fitter: PoseFitter, true: Fit) -> None:
    pivot, pose = fitter.points.mean(0), true.cam_T_obj.copy()
    pose[:3, :3] @= Rotation.from_euler("xy", [9, -6], degrees=True).as_matrix()
    leaning = Fit(pose, seen.scale)
    floor = fitter.evidence.floor(leaning.up)
    assert floor is not None
    stands = set_upright(leaning, floor, pivot)
    np.testing.assert_allclose(stands.up, floor.normal, atol=1e-6)
    np.testing.assert_allclose(stands.to_cube(pivot[None]), leaning.to_cube(pivot[None]), atol=1e-9)


def test_without_a_point_there_is_nothing_to_fit_to(mesh: ColouredMesh, seen: SeenObject) -> None:
    nothing = Evidence.of(seen.points, torch.zeros_like(seen.mask), seen.intrinsics)
    with pytest.raises(ValueError, match="give a point map with depth"):
        PoseFitter(mesh, nothing)


def test_without_a_floor_a_shape_is_stretched_by_its_points_alone(
    mesh: ColouredMesh, seen: SeenObject, true: Fit
) -> None:
    evidence = Evidence.of(seen.points, seen.mask, seen.intrinsics)
    alone = replace(evidence, surroundings=np.empty((0, 3)))
    long = ColouredMesh(mesh.vertices * torch.tensor([1.0, 1.0, 1.15]), mesh.faces, mesh.colours)
    fitter = PoseFitter(long, alone)
    assert alone.floor(true.up) is None
    found = fitter.fit(true)
    assert found.residual < fitter.measure(true).residual
    assert found.stretch[2] / found.stretch[:2].mean() < 0.97
    exact = PoseFitter(mesh, alone)
    assert exact.fit(true).residual <= exact.measure(true).residual  # where no floor outweighs it, a fit is never worse
