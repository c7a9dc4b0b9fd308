"""Region tokens: the same for every tiling of linear features, and never lost."""

from typing import Literal

import pytest
import torch
from einops import rearrange
from torch import Tensor

from models.regions import Region, RegionMasks, TilePlan, pack_regions, pool_regions
from models.sr3d.encodings.mask_encoding import mask_encoding
from models.sr3d.region_extractor import RegionExtractor


def _linear_features(plan: TilePlan, grid: int) -> Tensor:
    """Features that are the centre of their token in the image, in [0, 1]."""
    rows, cols = plan.rows * grid, plan.cols * grid
    y, x = torch.meshgrid((torch.arange(rows) + 0.5) / rows, (torch.arange(cols) + 0.5) / cols, indexing="ij")
    tiles: Tensor = rearrange(torch.stack([x, y], -1), "(a r) (b c) d -> (a b) r c d", a=plan.rows, b=plan.cols)
    return tiles


def test_the_pooled_vector_does_not_depend_on_the_tiling_when_features_are_linear_in_position() -> None:
    mask = torch.zeros(96, 96, dtype=torch.bool)
    mask[24:72, 12:60] = True  # borders of whole tokens in all plans
    pooled = []
    for side in (1, 2, 4):
        plan = TilePlan(side, side, 96 // side)
        masks = pack_regions([[Region.from_mask(mask)]], [plan], [len(plan)])
        pooled.append(pool_regions(_linear_features(plan, 8), masks))
    centre = torch.tensor([[36 / 96, 48 / 96]])
    for vector in pooled:
        torch.testing.assert_close(vector, centre, atol=1e-6, rtol=0)


@pytest.mark.parametrize("side", [1, 3])
def test_a_tiny_mask_gives_a_finite_vector(side: int) -> None:
    mask = torch.zeros(480, 640, dtype=torch.bool)
    mask[100 : 100 + side, 200 : 200 + side] = True
    plan = TilePlan(1, 1, 64)
    masks = pack_regions([[Region.from_mask(mask)]], [plan], [1])
    assert torch.isfinite(pool_regions(torch.rand(1, 8, 8, 5), masks)).all()


def test_a_trajectory_is_the_first_frame_and_the_change_until_the_last() -> None:
    torch.manual_seed(0)
    extractor = RegionExtractor(5, 7, "trajectory", hidden=6)
    assert extractor.change is not None
    plan, mask = TilePlan(1, 1, 16), torch.ones(16, 16, dtype=torch.bool)
    moving, still = Region(dict.fromkeys((3, 1, 2), mask)), Region({2: mask})
    features = torch.randn(4, 1, 1, 5)
    tokens = extractor(features, pack_regions([[moving, still]], [plan], [4]))
    f = features[:, 0, 0]
    torch.testing.assert_close(tokens[0], extractor.projector(f[1]) + extractor.change(f[3] - f[1]))
    torch.testing.assert_close(tokens[1], extractor.projector(f[2]))


def test_a_region_that_no_frame_shows_is_refused_by_name() -> None:
    masks = RegionMasks(torch.ones(1, 16, 16).bool(), torch.tensor([0]), torch.tensor([0]), ("cup", "pin"))
    with pytest.raises(ValueError, match="cannot pool pin"):
        RegionExtractor(5, 7, "trajectory")(torch.randn(1, 2, 2, 5), masks)


def test_regions_of_a_batch_have_the_trajectories_that_they_have_alone() -> None:
    torch.manual_seed(0)
    extractor = RegionExtractor(5, 7, "trajectory")
    plan, mask = TilePlan(1, 1, 16), torch.ones(16, 16, dtype=torch.bool)
    regions = [[Region({0: mask, 1: mask})], [Region({1: mask}), Region({0: mask, 2: mask})]]
    features = torch.randn(5, 2, 2, 5)
    together = extractor(features, pack_regions(regions, [plan, plan], [2, 3]))
    alone = [extractor(features[:2], pack_regions(regions[:1], [plan], [2]))]
    alone.append(extractor(features[2:], pack_regions(regions[1:], [plan], [3])))
    torch.testing.assert_close(together, torch.cat(alone))


def test_with_mask_encoding_a_region_that_moves_in_front_of_nothing_still_changes() -> None:
    torch.manual_seed(0)
    extractor = RegionExtractor(5, 7, "trajectory", hidden=6, encode_masks=True)
    assert extractor.change is not None
    plan, here, there = TilePlan(1, 1, 16), torch.zeros(16, 16).bool(), torch.zeros(16, 16).bool()
    here[4:8, 2:6] = True
    there[4:8, 8:12] = True
    features = torch.ones(2, 2, 2, 5)  # the same everywhere
    moving, still = Region({0: here, 1: there}), Region({0: here, 1: here})
    tokens = extractor(features, pack_regions([[moving, still]], [plan], [2]))
    code = mask_encoding(torch.stack([here, there]))
    first = torch.cat([torch.ones(5), code[0]])
    unchanged, changed = torch.zeros_like(first), torch.cat([torch.zeros(5), code[1] - code[0]])
    torch.testing.assert_close(tokens[0], extractor.projector(first) + extractor.change(changed))
    torch.testing.assert_close(tokens[1], extractor.projector(first) + extractor.change(unchanged))


@pytest.mark.parametrize("mode", ["pixel", "frame_mean"])
def test_the_codes_of_the_masks_of_a_region_are_averaged_over_frames(mode: Literal["pixel", "frame_mean"]) -> None:
    torch.manual_seed(0)
    extractor = RegionExtractor(5, 7, mode, encode_masks=True)
    plan, features = TilePlan(1, 1, 16), torch.randn(3, 2, 2, 5)
    masks = torch.rand(3, 16, 16) > 0.5
    region, other = Region({0: masks[0], 2: masks[2]}), Region({1: masks[1]})
    packed = pack_regions([[other, region]], [plan], [3])
    pooled = pool_regions(features, packed, mode)[1]
    code = mask_encoding(masks[[0, 2]]).mean(0)
    torch.testing.assert_close(extractor(features, packed)[1], extractor.projector(torch.cat([pooled, code])))
