"""Fitting a lifted shape to what its picture shows of it."""

import numpy as np
import pytest
import torch
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from models.lifting.evidence import Evidence
from models.lifting.mesh import ColouredMesh, extract_mesh
from models.lifting.pose_fitting import PoseFitter
from tests.models.lifting.conftest import SeenObject


@pytest.fixture(scope="module")
def mesh(seen: SeenObject) -> ColouredMesh:
    return extract_mesh(seen.inside(32))


@pytest.fixture(scope="module")
def fitter(seen: SeenObject, mesh: ColouredMesh) -> PoseFitter:
    return PoseFitter(mesh, Evidence.of(seen.points, seen.mask, seen.intrinsics))


def apart(mesh: ColouredMesh, seen: SeenObject, pose: np.ndarray, scale: float) -> float:
    """Mean distance between the shape where it is and where it should be, in sides of the cube (as ADD-S measures)."""
    vertices, true = mesh.vertices.double().numpy(), seen.cam_T_obj.double().numpy()
    here = scale * vertices @ pose[:3, :3].T + pose[:3, 3]
    there = seen.scale * vertices @ true[:3, :3].T + true[:3, 3]
    return float(cKDTree(there).query(here)[0].mean() + cKDTree(here).query(there)[0].mean()) / 2 / seen.scale


@pytest.mark.parametrize("heading", [10, 120, 180])
def test_a_shape_that_stands_wrong_comes_back_to_its_points(
    mesh: ColouredMesh, seen: SeenObject, fitter: PoseFitter, heading: int
) -> None:
    pose = seen.cam_T_obj.double().numpy()
    pose[:3, :3] @= Rotation.from_euler("zx", [heading, 8], degrees=True).as_matrix()
    pose[:3, 3] += np.array([0.08, -0.05, 0.1]) * seen.scale
    found = fitter.fit(pose, 1.03 * seen.scale)
    assert apart(mesh, seen, pose, 1.03 * seen.scale) > 0.05
    assert apart(mesh, seen, found.cam_T_obj, found.scale) < 0.015
    assert found.misfit < 0.5 * fitter.judge(pose, 1.03 * seen.scale).misfit
    np.testing.assert_allclose(found.cam_T_obj[:3, :3] @ found.cam_T_obj[:3, :3].T, np.eye(3), atol=1e-6)


def test_a_fit_is_never_worse_than_its_start_and_the_truth_hardly_moves(
    mesh: ColouredMesh, seen: SeenObject, fitter: PoseFitter
) -> None:
    pose = seen.cam_T_obj.double().numpy()
    true, found = fitter.judge(pose, seen.scale), fitter.fit(pose, seen.scale)
    assert found.misfit <= true.misfit < 0.1  # silhouettes are exact to a pixel
    assert apart(mesh, seen, found.cam_T_obj, found.scale) < 0.015
    far = pose.copy()
    far[:3, 3] += 20  # no step leads back from here
    assert fitter.fit(far, seen.scale).misfit <= fitter.judge(far, seen.scale).misfit


def test_without_a_point_there_is_nothing_to_fit_to(mesh: ColouredMesh, seen: SeenObject) -> None:
    nothing = Evidence.of(seen.points, torch.zeros_like(seen.mask), seen.intrinsics)
    with pytest.raises(ValueError, match="give its point map"):
        PoseFitter(mesh, nothing)
