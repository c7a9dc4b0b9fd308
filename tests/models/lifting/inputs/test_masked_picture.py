"""One object in its picture: what is refused, and what its points say."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from models.geometry import Normalizer, PointMap, default_intrinsics, matrix, transform_points, unproject
from models.lifting.inputs import masked_picture
from models.lifting.inputs.masked_picture import MaskedPicture

SIZE = (12, 16)
CAMERA = default_intrinsics(*SIZE, 60.0)
AVERAGE = Normalizer(torch.tensor(2.0), torch.tensor([0.0, 0, 3]))


def picture(known: bool = False) -> MaskedPicture:
    """A slope before the camera, and a square of it that is marked."""
    depth = torch.linspace(2, 3, SIZE[0])[:, None].expand(SIZE).clone()
    mask = torch.zeros(SIZE, dtype=torch.bool)
    mask[4:8, 6:10] = True
    return MaskedPicture(torch.rand(3, *SIZE), mask, unproject(depth, CAMERA), CAMERA if known else None)


def test_a_mask_of_another_size_or_without_pixels_is_refused() -> None:
    whole = picture()
    with pytest.raises(ValueError, match=r"the mask has \(12, 15\) pixels and its picture \(12, 16\)"):
        replace(whole, mask=whole.mask[:, 1:])
    with pytest.raises(ValueError, match="the mask is empty"):
        replace(whole, mask=torch.zeros(SIZE, dtype=torch.bool))


def test_points_of_another_frame_or_size_are_refused() -> None:
    whole = picture()
    assert whole.points is not None
    with pytest.raises(ValueError, match=r"needs points in the frame 'cam'.*got 'world' points"):
        replace(whole, points=PointMap(whole.points.xyz, whole.points.valid, "world"))
    with pytest.raises(ValueError, match=r"got 'cam' points for \(11, 16\)"):
        replace(whole, points=whole.points[1:])


@pytest.mark.parametrize(("entry", "value"), [((0, 0), -1), ((1, 1), 0), ((0, 2), float("nan")), ((2, 2), 2)])
def test_intrinsics_that_are_no_pinhole_are_refused(entry: tuple[int, int], value: float) -> None:
    broken = CAMERA.clone()
    broken[entry] = value
    with pytest.raises(ValueError, match="intrinsics must be finite, with positive focal lengths"):
        replace(picture(), known_intrinsics=broken)


def test_a_camera_that_is_known_is_taken_and_another_is_fitted() -> None:
    assert picture(known=True).intrinsics is CAMERA
    torch.testing.assert_close(picture().intrinsics, CAMERA, atol=1e-3, rtol=0)  # pixels


def test_without_points_only_the_average_scene_is_known() -> None:
    bare = replace(picture(), points=None)
    with pytest.raises(ValueError, match="the camera of a picture without points is unknown"):
        _ = bare.intrinsics
    with pytest.raises(ValueError, match="no evidence of where its object is"):
        _ = bare.evidence
    views, normalizer = bare.views(AVERAGE, 8, 8)
    assert normalizer is AVERAGE
    assert not views.crop.points.valid.any()
    assert bare.support(torch.zeros(1, 3), torch.eye(4), 1.0, 0.1) is None


def test_with_points_the_object_has_a_normaliser_of_its_own() -> None:
    views, normalizer = picture().views(AVERAGE, 8, 8)
    assert normalizer is not AVERAGE
    assert views.crop.points.valid.any()
    assert views.crop.points.frame == "canonical"


@pytest.mark.parametrize(("kept", "share"), [(16, 1.0), (8, 0.5), (4, 0.25)])
def test_support_is_the_share_of_visible_points_near_a_vertex(kept: int, share: float) -> None:
    whole = picture()
    assert whole.points is not None
    cam_T_obj, scale = matrix(torch.eye(3), torch.tensor([0.1, 0.2, 2.5])), 2.0
    visible = whole.points.xyz[whole.mask]
    vertices = (visible[:kept] - cam_T_obj[:3, 3]) / scale
    torch.testing.assert_close(transform_points(scale * vertices, cam_T_obj), visible[:kept])
    assert whole.support(vertices, cam_T_obj, scale, near=1e-4) == share


def test_many_points_are_thinned_evenly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(masked_picture, "MAX_SUPPORT_POINTS", 4)
    whole = picture()
    assert whole.points is not None
    visible = whole.points.xyz[whole.mask]
    assert whole.support(visible[:8], torch.eye(4), 1.0, near=1e-4) == 0.5  # of points 0, 4, 8, 12
