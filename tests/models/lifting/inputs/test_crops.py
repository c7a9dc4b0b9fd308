"""Crop and full picture of an object: where pixels come from, and what is unknown stays unknown."""

import math

import pytest
import torch

from models.geometry import ObjectNormalizer, PointMap, default_intrinsics, unproject
from models.lifting.inputs.crops import ObjectViews, make_views, resample, square_boxes
from tests.support.lifting import SeenObject


def picture(height: int, width: int) -> torch.Tensor:
    """Number the pixels from 1: every pixel tells where it came from."""
    return torch.arange(1.0, 1 + height * width).reshape(1, 1, height, width).expand(1, 3, height, width)


def test_a_square_is_centred_on_the_mask_and_as_long_as_its_longer_side_times_the_factor() -> None:
    mask = torch.zeros(1, 20, 30, dtype=torch.bool)
    mask[:, 4:14, 20:24] = True
    assert square_boxes(mask).tolist() == [[17, 4, 10]]
    assert square_boxes(mask, 1.2).tolist() == [[16, 3, 12]]


def test_an_empty_mask_is_refused_by_its_place_in_the_batch() -> None:
    masks = torch.ones(3, 4, 4, dtype=torch.bool)
    masks[1] = False
    with pytest.raises(ValueError, match="mask of object 1 is empty"):
        make_views(picture(4, 4).expand(3, 3, 4, 4), masks, None)


def test_points_in_metres_are_refused() -> None:
    points = unproject(torch.ones(1, 4, 4), default_intrinsics(4, 4))
    with pytest.raises(ValueError, match="apply each object's normaliser"):
        make_views(picture(4, 4), torch.ones(1, 4, 4, dtype=torch.bool), points)


def test_a_box_of_the_grid_s_own_size_copies_pixels_and_one_of_half_the_size_doubles_them() -> None:
    image = picture(6, 6)[:, 0]
    same, inside = resample(image, torch.tensor([[1.0, 2.0, 4.0]]), 4)
    assert torch.equal(same[0], image[0, 2:6, 1:5])
    assert inside.all()
    doubled, _ = resample(image, torch.tensor([[1.0, 2.0, 2.0]]), 4)
    assert torch.equal(doubled[0], image[0, 2:4, 1:3].repeat_interleave(2, 0).repeat_interleave(2, 1))


def test_the_full_view_pads_the_picture_to_a_square() -> None:
    mask = torch.zeros(1, 4, 8, dtype=torch.bool)
    mask[:, 1:3, 2:5] = True
    full = make_views(picture(4, 8), mask, None, image_size=8).full
    assert torch.equal(full.image[0, 0, 2:6], picture(4, 8)[0, 0])
    assert not full.image[0, :, :2].any()
    assert not full.image[0, :, 6:].any()
    assert torch.equal(full.mask[0, 2:6], mask[0])


def test_the_crop_shows_the_object_without_its_background() -> None:
    mask = torch.zeros(1, 8, 8, dtype=torch.bool)
    mask[:, 2:6, 2:6] = True
    mask[:, 2, 2] = False
    crop = make_views(picture(8, 8), mask, None, image_size=4, box_factor=1).crop
    assert torch.equal(crop.image[0, 0], picture(8, 8)[0, 0, 2:6, 2:6] * mask[0, 2:6, 2:6])
    assert torch.equal(crop.mask[0], mask[0, 2:6, 2:6])


def test_a_mask_that_touches_the_border_is_cropped_with_padding() -> None:
    mask = torch.zeros(1, 8, 8, dtype=torch.bool)
    mask[:, :2, 4:8] = True  # the square about it reaches one pixel above the picture
    points = PointMap.from_xyz(torch.ones(1, 8, 8, 3), "canonical")
    crop = make_views(picture(8, 8), mask, points, image_size=4, point_size=4, box_factor=1).crop
    assert torch.equal(crop.image[0, 0, 1:3], picture(8, 8)[0, 0, :2, 4:])
    assert not crop.image[0, :, 0].any()
    assert crop.points.valid[0].tolist() == crop.mask[0].tolist()
    assert not crop.points.valid[0, 0].any()
    assert not crop.points.xyz[~crop.points.valid].any()


def test_points_are_never_blended_and_unknown_ones_stay_unknown() -> None:
    generator = torch.Generator().manual_seed(0)
    xyz = torch.randn(1, 30, 40, 3, generator=generator)
    valid = torch.rand(1, 30, 40, generator=generator) < 0.6
    points = PointMap.from_xyz(xyz, "canonical", valid)
    mask = torch.zeros(1, 30, 40, dtype=torch.bool)
    mask[:, 5:20, 10:36] = True
    views = make_views(picture(30, 40), mask, points, point_size=16)
    known = {tuple(p) for p in xyz[valid].tolist()}
    for view in (views.crop, views.full):
        assert view.points.valid.any()
        assert not view.points.valid.all()
        assert {tuple(p) for p in view.points.xyz[view.points.valid].tolist()} <= known
        assert not view.points.xyz[~view.points.valid].any()


def test_views_of_a_batch_are_those_of_each_object_alone(seen: SeenObject) -> None:
    points = ObjectNormalizer.fit(seen.points, seen.mask).apply(seen.points)
    other = torch.zeros_like(seen.mask)
    other[10:20, 5:50] = True
    image = seen.image.float() / 255
    both = PointMap(points.xyz.expand(2, *points.xyz.shape), points.valid.expand(2, *seen.mask.shape), "canonical")
    batch = make_views(image.expand(2, *image.shape), torch.stack([seen.mask, other]), both)
    alone = [make_views(image[None], mask[None], points[None]) for mask in (seen.mask, other)]
    joined = ObjectViews.concatenate(alone)
    assert len(batch) == len(joined) == 2
    for a, b in ((batch.crop, joined.crop), (batch.full, joined.full)):
        assert torch.equal(a.image, b.image)
        assert torch.equal(a.mask, b.mask)
        assert torch.equal(a.points.xyz, b.points.xyz)
        assert torch.equal(a.points.valid, b.points.valid)


@pytest.mark.parametrize("broken", [0.0, -1.0, math.nan, math.inf])
def test_sixty_percent_of_sky_looks_the_same_however_it_is_marked(broken: float) -> None:
    generator = torch.Generator().manual_seed(0)
    depth = 1 + torch.rand(20, 20, generator=generator)
    mask = torch.zeros(20, 20, dtype=torch.bool)
    mask[14:19, 3:12] = True
    sky = torch.arange(20) < 12
    views = []
    for value in (0.0, broken):
        points = unproject(torch.where(sky[:, None], value, depth), default_intrinsics(20, 20))
        normalizer = ObjectNormalizer.fit(points, mask)
        views.append(make_views(picture(20, 20), mask[None], normalizer.apply(points)[None]))
    for a, b in ((views[0].crop, views[1].crop), (views[0].full, views[1].full)):
        assert torch.equal(a.points.xyz, b.points.xyz)
        assert torch.equal(a.points.valid, b.points.valid)
        assert a.points.xyz.isfinite().all()
