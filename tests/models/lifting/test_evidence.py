"""What a picture with depth says of an object: where it is, and where it is not."""

import numpy as np
import pytest

from models.geometry import PointMap, transform_points, voxel_centres
from models.lifting.evidence import Evidence
from tests.models.lifting.conftest import SeenObject


@pytest.fixture(scope="module")
def evidence(seen: SeenObject) -> Evidence:
    return Evidence.of(seen.points, seen.mask, seen.intrinsics)


def test_what_stands_before_the_seen_surface_counts_and_what_stands_behind_does_not(evidence: Evidence) -> None:
    assert evidence.stands_before(evidence.points) == pytest.approx(0, abs=1e-6)
    assert evidence.stands_before(1.5 * evidence.points) == 0
    assert evidence.stands_before(0.5 * evidence.points) > 0.5


def test_nothing_counts_behind_the_camera_or_beside_the_picture(evidence: Evidence) -> None:
    away = np.array([[0.0, 0.0, -1.0], [0.0, 0.0, 0.0], [100.0, 0.0, 1.0]])
    assert evidence.stands_before(away) == 0
    assert not evidence.seen_through(away, 0.0).any()


def test_no_voxel_of_the_object_is_seen_through_and_what_stands_clear_before_the_room_is(
    seen: SeenObject, evidence: Evidence
) -> None:
    centres = voxel_centres(32, seen.points.xyz).reshape(-1, 3)
    xyz = transform_points(seen.scale * centres, seen.cam_T_obj).double().numpy()
    through = evidence.seen_through(xyz, seen.scale / 32)
    inside = (seen.inside(32) > 0).flatten().numpy()
    assert not (through & inside).any()
    nearer = evidence.seen_through(0.5 * evidence.points, 0.0)  # between the object and the camera
    assert nearer.all()
    assert 0 < through[~inside].mean() < 1


def test_unknown_depth_leaves_its_surroundings_open(seen: SeenObject, evidence: Evidence) -> None:
    middle = evidence.points[len(evidence.points) // 2] * 0.5
    assert evidence.seen_through(middle[None], 0.0).all()
    column, row = (evidence.intrinsics @ middle / middle[2])[:2].astype(int)
    valid = seen.points.valid.clone()
    valid[row, column + 1] = False
    holed = Evidence.of(PointMap(seen.points.xyz, valid, "cam"), seen.mask, seen.intrinsics)
    assert not holed.seen_through(middle[None], 0.0).any()


def test_points_are_thinned_evenly(evidence: Evidence) -> None:
    line = Evidence(evidence.depth, np.arange(9.0)[:, None].repeat(3, 1), evidence.intrinsics)
    assert line.some(5)[:, 0].tolist() == [0, 2, 4, 6, 8]
    assert len(line.some(100)) == 9


def test_the_extent_is_a_diagonal_and_never_zero(evidence: Evidence) -> None:
    box = np.array([[0.0, 0.0, 1.0], [2.0, 3.0, 7.0]])
    assert Evidence(evidence.depth, box, evidence.intrinsics).extent == pytest.approx(7)
    assert Evidence(evidence.depth, box[:1], evidence.intrinsics).extent == 1e-3
