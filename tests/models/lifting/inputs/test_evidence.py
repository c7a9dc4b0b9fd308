"""What a picture with depth says of an object: where it is, and where it is not."""

import numpy as np
import pytest

from models.geometry import PointMap, transform_points, voxel_centres
from models.lifting.inputs.evidence import Evidence
from tests.support.lifting import SeenObject


@pytest.fixture(scope="module")
def evidence(seen: SeenObject) -> Evidence:
    return Evidence.of(seen.points, seen.mask, seen.intrinsics)


def test_what_stands_before_the_seen_surface_counts_and_what_stands_behind_does_not(evidence: Evidence) -> None:
    assert evidence.occluding_depth(evidence.points) == pytest.approx(0, abs=1e-6)
    assert evidence.occluding_depth(1.5 * evidence.points) == 0
    assert evidence.occluding_depth(0.5 * evidence.points) > 0.5


def test_nothing_counts_behind_the_camera_or_beside_the_picture(evidence: Evidence) -> None:
    away = np.array([[0.0, 0.0, -1.0], [0.0, 0.0, 0.0], [100.0, 0.0, 1.0]])
    assert evidence.occluding_depth(away) == 0
    assert not evidence.in_free_space(away, 0.0).any()


def test_no_voxel_of_the_object_is_seen_through_and_what_stands_clear_before_the_room_is(
    seen: SeenObject, evidence: Evidence
) -> None:
    centres = voxel_centres(32, seen.points.xyz).reshape(-1, 3)
    xyz = transform_points(seen.scale * centres, seen.cam_T_obj).double().numpy()
    through = evidence.in_free_space(xyz, seen.scale / 32)
    inside = (seen.inside(32) > 0).flatten().numpy()
    assert not (through & inside).any()
    nearer = evidence.in_free_space(0.5 * evidence.points, 0.0)  # between the object and the camera
    assert nearer.all()
    assert 0 < through[~inside].mean() < 1


def test_unknown_depth_leaves_its_surroundings_open(seen: SeenObject, evidence: Evidence) -> None:
    middle = evidence.points[len(evidence.points) // 2] * 0.5
    assert evidence.in_free_space(middle[None], 0.0).all()
    column, row = (evidence.intrinsics @ middle / middle[2])[:2].astype(int)
    valid = seen.points.valid.clone()
    valid[row, column + 1] = False
    holed = Evidence.of(PointMap(seen.points.xyz, valid, "cam"), seen.mask, seen.intrinsics)
    assert not holed.in_free_space(middle[None], 0.0).any()


def test_points_are_thinned_evenly(evidence: Evidence) -> None:
    line = Evidence(evidence.depth, np.arange(9.0)[:, None].repeat(3, 1), evidence.intrinsics)
    assert line.thinned(5)[:, 0].tolist() == [0, 2, 4, 6, 8]
    assert len(line.thinned(100)) == 9


def test_the_extent_is_a_diagonal_and_never_zero(evidence: Evidence) -> None:
    box = np.array([[0.0, 0.0, 1.0], [2.0, 3.0, 7.0]])
    assert Evidence(evidence.depth, box, evidence.intrinsics).extent == pytest.approx(7)
    assert Evidence(evidence.depth, box[:1], evidence.intrinsics).extent == 1e-3


def floor_and(*others: np.ndarray, points: np.ndarray) -> Evidence:
    """An object among others on a floor 1 m below the camera."""
    grid = np.stack(np.meshgrid(np.linspace(-2, 2, 30), np.linspace(1, 5, 30)), -1).reshape(-1, 2)
    floor = np.insert(grid, 1, 1.0, axis=1)
    return Evidence(np.zeros((4, 4)), points, np.eye(3), np.concatenate([floor, *others]))


def block(x: float, y: float, z: float) -> np.ndarray:
    """The top of a block, half a metre wide."""
    grid = np.stack(np.meshgrid(np.linspace(-0.25, 0.25, 30), np.linspace(-0.25, 0.25, 30)), -1).reshape(-1, 2)
    return np.insert(grid, 1, 0.0, axis=1) + np.array([x, y, z])


UP = np.array([0.0, -1.0, 0.0])


def test_the_floor_of_a_world_is_found_where_the_object_stands(seen: SeenObject, evidence: Evidence) -> None:
    up = seen.cam_T_obj[:3, 2].double().numpy()
    floor = evidence.floor(up)
    assert floor is not None
    assert floor.normal @ up > 0.9999
    foot = seen.cam_T_obj[:3, 3].double().numpy() - up * seen.world_object.size[2] / 2
    assert floor.height(foot) == pytest.approx(seen.world_object.bottom, abs=0.01 * seen.scale)
    assert evidence.below_floor(foot[None] - 0.1 * up, up, 0.05).all()
    assert not evidence.below_floor(evidence.points, up, 0.05).any()


def test_a_table_is_no_floor_for_what_is_seen_below_its_top() -> None:
    below = floor_and(block(0.5, 0.2, 3), points=block(-0.5, 0.8, 3))
    floor = below.floor(UP)
    assert floor is not None
    assert floor.offset == pytest.approx(1.0, abs=0.01)
    alone = Evidence(np.zeros((4, 4)), block(-0.5, 0.8, 3), np.eye(3), block(0.5, 0.2, 3))
    assert alone.floor(UP) is None  # the object is seen behind the plane of the table's top


def test_no_floor_is_found_for_another_up_or_where_nothing_surrounds_the_object() -> None:
    points = block(0, 0.5, 3)
    assert floor_and(points=points).floor(-UP) is None
    assert floor_and(points=points).floor(np.array([1.0, 0.0, 0.0])) is None
    lonely = Evidence(np.zeros((4, 4)), points, np.eye(3))
    assert lonely.floor(UP) is None
    assert not lonely.below_floor(points, UP, 0.0).any()
