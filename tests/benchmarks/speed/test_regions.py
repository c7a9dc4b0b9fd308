"""The speed benchmark of regions times implementations that agree, and records what it timed."""

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks.speed.regions import draw_ellipses, our_tiles, pil_tiles, pool_by_frame, pool_by_region, pool_by_sample
from models.regions import RegionMasks, TilePlan, pool_regions

CPU = torch.device("cpu")


def test_pil_gives_our_tiles_to_two_grey_levels() -> None:
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (90, 160, 3), dtype=np.uint8))
    plan = TilePlan(2, 4, 24)
    difference = our_tiles(image, plan, CPU).int() - pil_tiles(image, plan).int()
    assert difference.abs().max() <= 2  # two passes rounded to 8 bits


def test_both_pooling_references_give_our_tokens() -> None:
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(3, 4, 4, 6, generator=generator)
    masks = draw_ellipses(5, 3, 32, 0.05, generator)
    packed = RegionMasks(
        masks.flatten(0, 1), torch.arange(3).repeat(5), torch.arange(5).repeat_interleave(3), tuple("abcde")
    )
    pooled = pool_regions(features, packed)
    torch.testing.assert_close(pool_by_sample(features, masks), pooled, atol=1e-5, rtol=1e-5)  # float32 sums
    torch.testing.assert_close(pool_by_region(features, masks), pooled, atol=1e-5, rtol=1e-5)


def test_pooling_by_samples_of_the_masks_gives_our_tokens_where_masks_are_whole_tokens() -> None:
    features = torch.randn(3, 4, 4, 6, generator=torch.Generator().manual_seed(0))
    masks = torch.zeros(2, 3, 32, 32, dtype=torch.bool)
    masks[0, 1, :8, 8:24] = masks[1, :2, 16:, :] = True
    packed = RegionMasks(
        masks.flatten(0, 1), torch.arange(3).repeat(2), torch.arange(2).repeat_interleave(3), tuple("ab")
    )
    torch.testing.assert_close(pool_by_frame(features, masks), pool_regions(features, packed), atol=1e-5, rtol=1e-5)


def test_ellipses_cover_their_share() -> None:
    masks = draw_ellipses(20, 4, 448, 0.02, torch.Generator().manual_seed(0))
    assert masks.float().mean().item() == pytest.approx(0.02, abs=1e-3)  # a few are cut at the border
