"""The speed benchmark of regions times implementations that agree, and records what it timed."""

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks.speed.regions import draw_ellipses, our_tiles, pil_tiles, pool_by_region, pool_by_sample
from models.regions import RegionMasks, TilePlan, pool_regions

CPU = torch.device("cpu")


def test_both_pil_references_give_the_same_tiles_and_ours_to_two_grey_levels() -> None:
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (90, 160, 3), dtype=np.uint8))
    plan = TilePlan(2, 4, 24)
    reference = pil_tiles(image, plan, resize_once=True)
    assert torch.equal(pil_tiles(image, plan, resize_once=False), reference)
    assert (our_tiles(image, plan, CPU).int() - reference.int()).abs().max() <= 2  # two passes rounded to 8 bits


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


def test_ellipses_cover_their_share() -> None:
    masks = draw_ellipses(20, 4, 448, 0.02, torch.Generator().manual_seed(0))
    assert masks.float().mean().item() == pytest.approx(0.02, abs=1e-3)  # a few are cut at the border
