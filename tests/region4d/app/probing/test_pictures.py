"""Features and depth as colours."""

from __future__ import annotations

import torch

from region4d.app.probing.pictures import UNKNOWN, depth_pictures, feature_colours, picture_url


def test_cells_with_equal_features_have_equal_colours_and_others_do_not() -> None:
    one, other = torch.randn(2, 16, generator=torch.Generator().manual_seed(0))
    features = torch.where(torch.rand(2, 3, 4, 1, generator=torch.Generator().manual_seed(1)) < 0.5, one, other)
    found = feature_colours(features)
    is_one = (features == one).all(-1)
    colours = found.rgb.movedim(1, -1)
    assert torch.allclose(colours[is_one], colours[is_one][:1], atol=1e-5)
    assert float((colours[is_one][0] - colours[~is_one][0]).abs().max()) > 0.9
    assert found.share > 0.999


def test_the_share_is_that_of_the_variance_in_three_components() -> None:
    features = torch.randn(4, 8, 8, 5, generator=torch.Generator().manual_seed(0)) * torch.tensor([3.0, 2, 1, 1, 1])
    assert abs(feature_colours(features).share - 14 / 16) < 0.05


def test_equal_features_everywhere_are_one_colour() -> None:
    found = feature_colours(torch.ones(1, 2, 2, 8))
    assert found.share == 0
    assert len(found.rgb.unique()) == 1


def test_near_is_lighter_than_far_and_unknown_is_grey() -> None:
    depth = torch.tensor([[[1.0, 2.0, 4.0, 0.0]]])
    valid = depth > 0
    pictures = depth_pictures(depth, depth[valid], valid)
    near, middle, far, unknown = pictures[0, :, 0].mean(0).tolist()
    assert near > middle > far
    assert unknown == UNKNOWN


def test_equal_depth_has_equal_colours_whatever_else_is_seen() -> None:
    among = torch.tensor([1.0, 8.0])
    one = depth_pictures(torch.tensor([[[2.0, 3.0]]]), among)
    other = depth_pictures(torch.tensor([[[2.0, 7.0]]]), among)
    assert torch.equal(one[..., 0], other[..., 0])


def test_a_picture_is_an_address_of_its_own() -> None:
    assert picture_url(torch.zeros(3, 2, 2)).startswith("data:image/png;base64,")
