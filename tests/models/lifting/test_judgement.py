"""The choice between a network's shape and the visible hull."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from models.geometry import PointMap
from models.geometry.mesh import sphericity
from models.lifting.calibration import Calibration, Signs
from models.lifting.fitting.pose_fitting import Fit
from models.lifting.fitting.samples import PosedSample
from models.lifting.inputs.masked_picture import MaskedPicture
from models.lifting.judgement import judge, judge_hull
from models.lifting.meshes.mesh import extract_mesh
from tests.support.lifting import SeenObject, ball

CALIBRATION = Calibration((-4.0, -3.0, -10.0, -1.0), 2.0, 0.4, 80)


@pytest.fixture
def picture(seen: SeenObject) -> MaskedPicture:
    return MaskedPicture(seen.image.float() / 255, seen.mask, seen.points, seen.intrinsics)


@pytest.fixture
def true(seen: SeenObject) -> PosedSample:
    return PosedSample(extract_mesh(seen.inside(48)), Fit(seen.cam_T_obj.double().numpy(), seen.scale), 0.03)


@pytest.fixture
def crumb(true: PosedSample) -> PosedSample:
    return replace(true, mesh=extract_mesh(ball(32, 0.1)))


def test_a_shape_that_agrees_is_kept_with_its_confidence(picture: MaskedPicture, true: PosedSample) -> None:
    kept, found = judge(picture, true, "auto", CALIBRATION)
    assert kept is true
    assert (found.source, found.unlike_training) == ("network", False)
    assert found.network is not None
    assert found.network.silhouette > 0.9
    assert found.sphericity == pytest.approx(sphericity(true.in_camera()))
    assert found.confidence == CALIBRATION.confidence(Signs(found.network, 0.03, found.sphericity))
    assert "agrees with what is seen" in found.reason


def test_the_hull_is_taken_where_the_network_misses_what_is_seen(picture: MaskedPicture, crumb: PosedSample) -> None:
    kept, found = judge(picture, crumb, "auto", CALIBRATION)
    assert kept is not crumb
    assert (found.source, found.unlike_training, found.confidence) == ("hull", True, None)
    assert "because the network's shape disagrees with what is seen" in found.reason
    forced, asked = judge(picture, crumb, "network", CALIBRATION)
    assert forced is crumb
    assert (asked.source, asked.hull, asked.unlike_training) == ("network", None, True)


def test_a_hull_does_not_replace_what_is_mostly_hidden(picture: MaskedPicture, crumb: PosedSample) -> None:
    assert picture.points is not None
    rows = torch.nonzero(picture.mask.any(1))
    half = picture.mask.clone()
    half[int(rows.float().mean()) :] = False  # something near hides the lower half
    xyz = picture.points.xyz.clone()
    xyz[picture.mask & ~half] *= 0.5
    covered = MaskedPicture(picture.image, half, PointMap(xyz, picture.points.valid, "cam"), picture.known_intrinsics)
    kept, found = judge(covered, crumb, "auto", None)
    assert kept is crumb
    assert "other things hide" in found.reason
    assert found.hull is not None
    assert found.confidence is None


def test_without_points_silhouettes_are_compared_and_the_mask_takes_the_place_of_the_hull(
    picture: MaskedPicture, true: PosedSample, crumb: PosedSample
) -> None:
    flat = replace(picture, points=None)
    kept, found = judge(flat, true, "auto", CALIBRATION)
    assert (kept is true, found.source, found.confidence, found.unlike_training) == (True, "network", None, None)
    assert found.network is not None
    assert (found.network.silhouette > 0.9, found.network.depth) == (True, None)
    taken, found = judge(flat, crumb, "auto", CALIBRATION)
    assert taken is not crumb
    assert (found.source, found.unlike_training, found.confidence) == ("mask", None, None)
    assert found.hull is not None
    assert found.hull.silhouette > 0.9
    distance = [float(np.linalg.norm(one.fit.cam_T_obj[:3, 3])) for one in (taken, crumb)]
    assert distance[0] == pytest.approx(distance[1])
    assert "depth" not in found.reason


def test_a_box_does_not_show_the_outline(picture: MaskedPicture, crumb: PosedSample) -> None:
    box = torch.zeros_like(picture.mask)
    box[20:60, 30:90] = True
    kept, found = judge(MaskedPicture(picture.image, box, None, picture.intrinsics), crumb, "auto", None)
    assert (kept is crumb, found.source) == (True, "network")
    assert "a box does not show the outline" in found.reason


def test_without_points_or_a_camera_nothing_is_judged(picture: MaskedPicture, true: PosedSample) -> None:
    blind = replace(picture, points=None, known_intrinsics=None)
    kept, found = judge(blind, true, "auto", CALIBRATION)
    assert (kept is true, found.source, found.network, found.confidence) == (True, "network", None, None)


@pytest.mark.parametrize(("points", "source"), [(True, "hull"), (False, "mask")])
def test_what_is_seen_can_be_asked_for(picture: MaskedPicture, points: bool, source: str) -> None:
    _, asked = judge_hull(picture if points else replace(picture, points=None))
    assert (asked.source, asked.network) == (source, None)
    assert asked.hull is not None
    assert asked.hull.silhouette > 0.8
