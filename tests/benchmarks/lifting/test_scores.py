"""Scores of lifted objects: closed forms on boxes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation
from trimesh import Trimesh
from trimesh.creation import box as unit_box
from trimesh.creation import icosphere
from trimesh.sample import sample_surface

from benchmarks.lifting.rewards import visible_support
from benchmarks.lifting.scores import Prediction, largest_piece, score
from benchmarks.lifting.truth import Truth, read_truth, write_truth
from benchmarks.metrics.mesh import f_score, f_score_of, normalized
from benchmarks.metrics.object_pose import diameter
from benchmarks.metrics.voxels import solid_voxels, surface_voxels
from models.lifting.inputs.evidence import Evidence

SIDES = np.array([0.9, 0.6, 0.3])
SCALE = 2.0


@pytest.fixture(scope="module")
def box() -> Trimesh:
    mesh = unit_box(SIDES)
    for _ in range(3):
        mesh = mesh.subdivide()
    return mesh


@pytest.fixture(scope="module")
def truth(box: Trimesh) -> Truth:
    unit = normalized(box)
    return Truth(box, placed(), SCALE, diameter(box), solid_voxels(unit), surface_voxels(unit), 0.1)


def placed(shift: tuple[float, float, float] = (0.0, 0.0, 0.0), heading_deg: float = 0.0) -> np.ndarray:
    """A pose five metres ahead, moved along and turned about the axes of the box."""
    pose = np.eye(4)
    pose[:3, :3] = Rotation.from_euler("xyz", [100, 20, 10], degrees=True).as_matrix()
    pose[:3, 3] = np.array([0.2, -0.1, 5.0]) + pose[:3, :3] @ np.array(shift)
    pose[:3, :3] = pose[:3, :3] @ Rotation.from_euler("z", heading_deg, degrees=True).as_matrix()
    return pose


def test_the_truth_itself_has_every_best_score(box: Trimesh, truth: Truth) -> None:
    found = score(Prediction(box, placed(), SCALE), truth, icp=True)
    for key in (
        "f1_0.01",
        "camera_f1_0.05",
        "camera_solid_iou",
        "solid_iou",
        "surface_iou",
        "box_iou",
        "box_iou_aligned",
        "add_s_0.1",
        "icp_f1_0.01",
    ):
        assert found[key] == pytest.approx(1, abs=1e-6), key
    for key in ("chamfer", "chamfer_squared", "canonical_chamfer", "add_s"):
        assert found[key] == pytest.approx(0, abs=1e-5), key  # single precision of the nearest points
    assert found["icp_rotation_deg"] == pytest.approx(0, abs=0.5)  # of 1000 samples


def test_size_may_stand_in_the_mesh_or_in_the_scale(box: Trimesh, truth: Truth) -> None:
    larger = box.copy()
    larger.apply_scale(SCALE)
    found = score(Prediction(larger, placed(), 1.0), truth)
    assert found["box_iou"] == pytest.approx(1)
    assert found["add_s"] == pytest.approx(0, abs=1e-5)


def test_a_shift_by_half_a_side_halves_the_shared_box_and_leaves_the_shape(box: Trimesh, truth: Truth) -> None:
    found = score(Prediction(box, placed((SCALE * SIDES[0] / 2, 0, 0)), SCALE), truth)
    assert found["box_iou"] == pytest.approx(1 / 3, abs=1e-6)
    assert found["camera_solid_iou"] == pytest.approx(1 / 3, abs=0.02)  # 64 voxels
    assert found["f1_0.01"] == pytest.approx(1)
    assert found["add_s"] > 0.1


def test_f1_in_the_camera_costs_what_lies_beyond_5_percent_of_the_true_size(box: Trimesh, truth: Truth) -> None:
    within, beyond = (
        score(Prediction(box, placed((0, 0, shift * 0.9 * SCALE)), SCALE), truth) for shift in (0.04, 0.2)
    )
    assert within["camera_f1_0.05"] == pytest.approx(1)
    assert beyond["camera_f1_0.05"] < 0.5
    assert beyond["f1_0.01"] == pytest.approx(1)  # which is blind to it


def test_solid_iou_is_left_out_of_a_truth_that_is_not_watertight(box: Trimesh, truth: Truth) -> None:
    found = score(Prediction(box, placed(), SCALE), replace(truth, watertight=False))
    assert not {"solid_iou", "camera_solid_iou"} & found.keys()
    assert found["surface_iou"] == pytest.approx(1)


def test_a_quarter_turn_costs_the_turned_scores_and_icp_finds_it(box: Trimesh, truth: Truth) -> None:
    found = score(Prediction(box, placed(heading_deg=90), SCALE), truth, icp=True)
    # two crossed bars of 0.9 x 0.6: 0.6 x 0.6 of area shared, 0.72 covered
    assert found["solid_iou"] == pytest.approx(0.36 / 0.72, abs=0.03)  # 64 voxels
    assert found["box_iou"] == pytest.approx(0.36 / 0.72, abs=1e-6)
    assert found["canonical_chamfer"] == pytest.approx(0, abs=1e-5)
    assert found["icp_f1_0.02"] > 0.99
    assert found["icp_rotation_deg"] == pytest.approx(90, abs=1)


def test_a_truth_comes_back_from_its_file(truth: Truth, tmp_path: object) -> None:
    path = tmp_path / "store" / "1.npz"  # type: ignore[operator]
    write_truth(path, truth)
    found = read_truth(path)
    assert (found.scale, found.diameter, found.floor) == (truth.scale, truth.diameter, truth.floor)
    assert np.array_equal(found.solid, truth.solid)
    assert np.allclose(found.mesh.vertices, truth.mesh.vertices)


def test_pieces_are_shares_of_the_area() -> None:
    small, large = icosphere(radius=1.0), icosphere(radius=2.0)
    small.apply_translation([9, 0, 0])
    assert largest_piece(large) == pytest.approx(1)
    assert largest_piece(small + large) == pytest.approx(0.8)


def test_what_is_seen_rewards_the_true_place_above_every_shift(box: Trimesh) -> None:
    mesh = unit_box([1, 1, 1])
    intrinsics = np.array([[50.0, 0, 32], [0, 50, 32], [0, 0, 1]])
    # a wall at 8 m, and before it the front of a cube of one metre, at 4.5 m
    depth = np.full((64, 64), 8.0)
    u, v = np.meshgrid(np.arange(64) + 0.5, np.arange(64) + 0.5)
    on_cube = (np.abs(u - 32) < 50 * 0.5 / 4.5) & (np.abs(v - 32) < 50 * 0.5 / 4.5)
    depth[on_cube] = 4.5
    rays = np.stack([u - 32, v - 32, np.full_like(u, 50)], -1) / 50
    evidence = Evidence(depth, (rays * depth[..., None])[on_cube], intrinsics)

    def reward(x: float, z: float) -> float:
        pose = np.eye(4)
        pose[:3, 3] = x, 0, z
        return visible_support(Prediction(mesh, pose, 1.0), evidence)

    true = reward(0, 5)
    assert true == pytest.approx(0, abs=0.03)  # points on the sides project beside the silhouette by rounding
    assert true > max(reward(0.5, 5), reward(0, 4.5), reward(0, 5.5), reward(3, 5))


def test_a_box_alone_is_compared_with_boxes_alone(box: Trimesh, truth: Truth) -> None:
    alone = replace(truth, box_alone=True)
    found = score(Prediction(box, placed((SCALE * SIDES[0] / 2, 0, 0)), SCALE), alone, icp=True)
    assert set(found) == {"box_iou", "box_iou_true_axes"}
    assert found["box_iou_true_axes"] == pytest.approx(1 / 3, abs=1e-6)


def test_along_the_true_axes_the_axes_of_a_prediction_do_not_matter(truth: Truth) -> None:
    turned = unit_box(SIDES)
    turn = np.eye(4)
    turn[:3, :3] = Rotation.from_euler("z", 30, degrees=True).as_matrix()
    turned.apply_transform(np.linalg.inv(turn))  # in the axes of the prediction the box lies askew
    found = score(Prediction(turned, placed() @ turn, SCALE), replace(truth, box_alone=True))
    assert found["box_iou_true_axes"] == pytest.approx(1, abs=1e-6)
    assert found["box_iou"] < 0.9
    wide = score(Prediction(unit_box(SIDES), placed(heading_deg=45), SCALE), replace(truth, box_alone=True))
    side = SIDES[:2].sum() / 2**0.5  # of the box around the turned one
    shared = min(side, SIDES[0]) * min(side, SIDES[1])
    assert wide["box_iou_true_axes"] == pytest.approx(shared / (side**2 + SIDES[0] * SIDES[1] - shared), abs=1e-6)


def test_without_a_known_place_shape_after_icp_is_all(box: Trimesh, truth: Truth) -> None:
    nowhere = replace(truth, cam_T_obj=np.full((4, 4), np.nan), scale=float("nan"))
    assert not nowhere.placed
    assert set(score(Prediction(box, placed(), SCALE), nowhere)) == {"pieces"}
    found = score(Prediction(box, placed(heading_deg=50), 0.1), nowhere, icp=True)
    assert found["icp_f1_0.01"] == pytest.approx(1, abs=1e-6)
    assert found["icp_solid_iou"] == pytest.approx(1, abs=1e-6)
    assert found["icp_surface_iou"] > 0.9  # ICP stops within a tenth of a voxel
    assert 0 < found["icp_emd"] < 1.5 * found["icp_emd_floor"]
    assert "icp_rotation_deg" not in found
    assert "box_iou" not in found


@pytest.mark.long
def test_f1_of_points_against_triangles_is_that_of_a_million_points_against_each_other(box: Trimesh) -> None:
    """SAM 3D's protocol samples a million points a surface; a k-d tree of SciPy compares them here."""
    other = box.copy()
    other.apply_scale([1.0, 0.97, 1.05])
    pred, true = normalized(other), normalized(box)
    clouds = [sample_surface(mesh, 1_000_000, seed=k)[0] for k, mesh in enumerate((pred, true))]
    found = f_score_of(
        cKDTree(clouds[1]).query(clouds[0][:50_000])[0], cKDTree(clouds[0]).query(clouds[1][:50_000])[0], 0.01
    )
    assert 0.1 < found < 0.9
    assert f_score(pred, true, 0.01) == pytest.approx(found, abs=0.02)  # sampling of both, and gaps between points
