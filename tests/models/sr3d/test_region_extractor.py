"""Region tokens: the same for every tiling of linear features, and never lost."""

import pytest
import torch
from einops import rearrange
from torch import Tensor

from models.regions import Region, TilePlan, pack_regions, pool_regions


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
