"""Tokens of a point map."""

import pytest
import torch

from models.geometry import PointMap
from models.lifting.networks.point_patches import PointPatchEmbed


def some_points(share: float = 0.7) -> PointMap:
    generator = torch.Generator().manual_seed(0)
    valid = torch.rand(2, 16, 16, generator=generator) < share
    return PointMap.from_xyz(torch.randn(2, 16, 16, 3, generator=generator), "canonical", valid)


def test_a_token_sees_its_own_window_and_no_other() -> None:
    torch.manual_seed(0)
    embed = PointPatchEmbed(width=16, size=16, patch=8, heads=2)
    points = some_points(2.0)
    moved = points.xyz.clone()
    moved[:, 3, 12] += 1.0  # in the second window of the first row
    before, after = embed(points), embed(PointMap(moved, points.valid, "canonical"))
    changed = (before != after).any(-1)
    assert changed.tolist() == [[False, True, False, False]] * 2


def test_an_unknown_point_is_a_learned_token_and_not_the_origin() -> None:
    torch.manual_seed(0)
    embed = PointPatchEmbed(width=16, size=16, patch=8, heads=2)
    points = some_points(2.0)
    valid, xyz = points.valid.clone(), points.xyz.clone()
    xyz[:, 0, 0] = 0
    at_origin = embed(PointMap(xyz, valid, "canonical"))
    valid[:, 0, 0] = False
    unknown = embed(PointMap(xyz, valid, "canonical"))
    assert not torch.allclose(at_origin[:, 0], unknown[:, 0], atol=1e-5)
    assert torch.equal(at_origin[:, 1:], unknown[:, 1:])
    embed(some_points()).sum().backward()
    assert embed.unknown.grad is not None
    assert embed.unknown.grad.abs().sum() > 0


def test_points_in_metres_are_refused() -> None:
    points = some_points()
    with pytest.raises(ValueError, match="normalise first"):
        PointPatchEmbed(width=16, size=16)(PointMap(points.xyz, points.valid, "cam"))
    with pytest.raises(ValueError, match="choose a divisor"):
        PointPatchEmbed(size=20, patch=8)


def test_far_points_enter_by_asinh_where_asked_for() -> None:
    torch.manual_seed(0)
    linear = PointPatchEmbed(width=16, size=16, patch=8, heads=2)
    bent = PointPatchEmbed(width=16, size=16, patch=8, heads=2, remap="asinh")
    bent.load_state_dict(linear.state_dict())
    points = some_points()
    asinh = PointMap(points.xyz.asinh(), points.valid, "canonical")
    torch.testing.assert_close(bent(points), linear(asinh))
