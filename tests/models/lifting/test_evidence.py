"""What a picture with depth says of an object: where it is, and where it is not."""

import numpy as np
import pytest
import torch

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


def test_no_voxel_of_the_object_is_seen_through_and_most_others_near_it_are_seen_through_or_hidden(
    seen: SeenObject, evidence: Evidence
) -> None:
    centres = voxel_centres(32, seen.points.xyz).reshape(-1, 3)
    xyz = transform_points(seen.scale * centres, seen.cam_T_obj).double().numpy()
    through = evidence.seen_through(xyz, seen.scale / 32)
    inside = (seen.inside(32) > 0).flatten().numpy()
    assert not (through & inside).any()
    assert through[~inside].mean() > 0.3


def test_unknown_depth_leaves_its_surroundings_open(seen: SeenObject, evidence: Evidence) -> None:
    middle = evidence.points[len(evidence.points) // 2] * 0.5
    assert evidence.seen_through(middle[None], 0.0).all()
    column, row = (evidence.intrinsics @ middle / middle[2])[:2].astype(int)
    valid = seen.points.valid.clone()
    valid[row, column + 1] = False
    holed = Evidence.of(PointMap(seen.points.xyz, valid, "cam"), seen.mask, seen.intrinsics)
    assert not holed.seen_through(middle[None], 0.0).any()


def test_points_are_thinned_evenly(evidence: Evidence) -> None:
    some = evidence.some(5)
    assert len(some) == 5
    np.testing.assert_array_equal(some[[0, -1]], evidence.points[[0, -1]])
    assert len(evidence.some(10**6)) == len(evidence.points)
    assert Evidence(evidence.depth, evidence.points[:1], evidence.intrinsics).extent == 1e-3
    assert torch.tensor(evidence.extent) > 0.1
