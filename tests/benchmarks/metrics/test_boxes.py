import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import ConvexHull, HalfspaceIntersection

from benchmarks.metrics.boxes import box_iou_3d
from tests.support.shapes import random_motion, translation, turn

ONE = np.ones(3)
HERE = np.eye(4)
SEEDS = st.integers(0, 100_000)


def random_pair(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return random_motion(seed, 0.4), rng.uniform(0.3, 2, 3), random_motion(seed + 1, 0.4), rng.uniform(0.3, 2, 3)


def inside(points: np.ndarray, pose: np.ndarray, size: np.ndarray) -> np.ndarray:
    return (np.abs((points - pose[:3, 3]) @ pose[:3, :3]) <= size / 2).all(1)


@settings(max_examples=40, deadline=None)
@given(st.floats(0, 1))
def test_a_unit_cube_shifted_along_a_side_overlaps_by_its_closed_form(d: float) -> None:
    assert box_iou_3d(translation(d), ONE, HERE, ONE) == pytest.approx((1 - d) / (1 + d), abs=1e-7)


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_a_box_is_itself_under_any_name_of_its_axes(seed: int) -> None:
    pose, size, *_ = random_pair(seed)
    assert box_iou_3d(pose, size, pose, size) == pytest.approx(1, abs=1e-7)
    renamed = pose @ turn(90, (0, 0, 1))
    assert box_iou_3d(renamed, size[[1, 0, 2]], pose, size) == pytest.approx(1, abs=1e-7)


def test_a_square_turned_by_45_degrees_shares_an_octagon() -> None:
    assert box_iou_3d(turn(45, (0, 0, 1)), ONE, HERE, ONE) == pytest.approx(1 / np.sqrt(2), abs=1e-7)


def test_a_box_inside_another_has_the_ratio_of_their_volumes() -> None:
    pose = random_motion(5)
    small = pose @ random_motion(6, 0.1)
    assert box_iou_3d(small, 0.5 * ONE, pose, 3 * ONE) == pytest.approx(0.125 / 27, abs=1e-7)


def test_boxes_that_touch_or_are_apart_share_nothing() -> None:
    assert box_iou_3d(translation(1.0), ONE, HERE, ONE) < 1e-8
    assert box_iou_3d(translation(1.0, 1.0, 1.0), ONE, HERE, ONE) < 1e-8
    assert box_iou_3d(translation(7.0), ONE, HERE, ONE) == 0.0


def test_thin_plates_are_as_good_as_cubes() -> None:
    plate = np.array([1.0, 1.0, 1e-4])
    assert box_iou_3d(translation(0, 0, 2.5e-5), plate, HERE, plate) == pytest.approx(0.75 / 1.25, abs=1e-6)


@pytest.mark.parametrize("angle_deg", [1e-12, 1e-9, 1e-6, 1e-3])
def test_planes_that_are_nearly_parallel_lose_nothing(angle_deg: float) -> None:
    assert box_iou_3d(turn(angle_deg, (1, 2, 3)), ONE, HERE, ONE) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("seed", range(12))
def test_random_boxes_overlap_as_counted_points_do(seed: int) -> None:
    pred, pred_size, true, true_size = random_pair(seed)
    points = np.random.default_rng(seed).uniform(-2.5, 2.5, (200_000, 3))
    in_pred, in_true = inside(points, pred, pred_size), inside(points, true, true_size)
    union = (in_pred | in_true).sum()
    counted = (in_pred & in_true).sum() / union
    found = box_iou_3d(pred, pred_size, true, true_size)
    assert found == pytest.approx(counted, abs=4.5 * np.sqrt(max(found * (1 - found), 1e-4) / union))


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_the_volume_is_that_of_an_intersection_of_half_spaces(seed: int) -> None:
    pred, pred_size, true, true_size = random_pair(seed)
    pred[:3, 3] = true[:3, 3] + 0.1 * (pred[:3, 3] - true[:3, 3])  # so that the middle between them is inside both
    planes = []
    for pose, size in ((pred, pred_size), (true, true_size)):
        for axis, half in zip(pose[:3, :3].T, size / 2, strict=True):
            along = axis @ pose[:3, 3]
            planes += [[*axis, -along - half], [*-axis, along - half]]
    middle = (pred[:3, 3] + true[:3, 3]) / 2
    shared = ConvexHull(HalfspaceIntersection(np.array(planes), middle).intersections).volume
    expected = shared / (pred_size.prod() + true_size.prod() - shared)
    assert box_iou_3d(pred, pred_size, true, true_size) == pytest.approx(expected, abs=1e-6)


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_it_is_symmetric_and_does_not_see_a_common_rigid_motion_or_scale(seed: int) -> None:
    pred, pred_size, true, true_size = random_pair(seed)
    found = box_iou_3d(pred, pred_size, true, true_size)
    assert box_iou_3d(true, true_size, pred, pred_size) == pytest.approx(found, abs=1e-6)
    motion = random_motion(seed + 2, 10)
    assert box_iou_3d(motion @ pred, pred_size, motion @ true, true_size) == pytest.approx(found, abs=1e-6)
    for pose in (pred, true):
        pose[:3, 3] *= 1e-3
    assert box_iou_3d(pred, 1e-3 * pred_size, true, 1e-3 * true_size) == pytest.approx(found, abs=1e-6)


@pytest.mark.parametrize("size", [[1.0, 0.0, 1.0], [1.0, -1.0, 1.0], [1.0, np.nan, 1.0], [1.0, np.inf, 1.0]])
def test_a_size_that_is_none_is_refused(size: list[float]) -> None:
    with pytest.raises(ValueError, match="the predicted box needs three positive"):
        box_iou_3d(HERE, np.array(size), HERE, ONE)


@pytest.mark.parametrize("pose", [np.diag([2.0, 2, 2, 1]), np.full((4, 4), np.nan)], ids=["scaled", "nan"])
def test_a_pose_that_is_not_rigid_is_refused(pose: np.ndarray) -> None:
    with pytest.raises(ValueError, match="the true box needs a rigid pose"):
        box_iou_3d(HERE, ONE, pose, ONE)
