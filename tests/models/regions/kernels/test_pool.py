"""Mask pooling by kernels is that of torch, forward and backward."""

from typing import Literal

import pytest
import torch
from torch import Tensor

from models.regions import RegionMasks, pooling
from tests.support.kernels import DEVICE, INTERPRETED, MARKS

kernels = pytest.importorskip("models.regions.kernels", reason="needs triton")
pytestmark = MARKS
SIZES = [  # of masks, and their grid: whole tokens, fractions of pixels, fewer pixels than tokens
    ((8, 12), (2, 3)),
    ((7, 8), (2, 3)),
    ((1, 2), (2, 3)),
]


def _features(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0)).to(DEVICE)


def _masks(height: int, width: int) -> RegionMasks:
    """Mark three regions over four tiles: one of a single pixel, two on several tiles, an entry that is empty."""
    masks = torch.rand(5, height, width, generator=torch.Generator().manual_seed(1)) > 0.7
    masks[:, 0, 0] = True
    masks[2] = False
    masks[2, height - 1, width - 1] = True
    masks[4] = False
    tile, region = torch.tensor([0, 1, 1, 3, 0]), torch.tensor([0, 2, 1, 0, 2])
    return RegionMasks(masks, tile, region, ("a", "b", "c")).to(DEVICE)


@pytest.mark.parametrize(("size", "grid", "mode"), [*((*case, "pixel") for case in SIZES), (*SIZES[1], "frame_mean")])
def test_tokens_and_gradients_equal_those_of_torch(
    size: tuple[int, int], grid: tuple[int, int], mode: Literal["pixel", "frame_mean"]
) -> None:
    features, masks = _features(4, *grid, 130), _masks(*size)
    tokens, gradients = [], []
    for function in (pooling.pool_regions.__wrapped__, kernels.pool_regions):
        leaf = features.clone().requires_grad_()
        tokens.append(function(leaf, masks, mode))
        tokens[-1].square().sum().backward()
        gradients.append(leaf.grad)
    torch.testing.assert_close(tokens[1], tokens[0], atol=1e-5, rtol=1e-5)  # float32 sums in another order
    torch.testing.assert_close(gradients[1], gradients[0], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_types_are_summed_in_float32_and_rounded_once(dtype: torch.dtype) -> None:
    features, masks = _features(4, 2, 3, 9).to(dtype).requires_grad_(), _masks(8, 12)
    tokens = kernels.pool_regions(features, masks)
    exact = pooling.pool_regions.__wrapped__(features.float(), masks)
    assert tokens.dtype == dtype
    torch.testing.assert_close(tokens.float(), exact, atol=1e-5, rtol=torch.finfo(dtype).eps)
    tokens.sum().backward()
    assert features.grad is not None
    assert features.grad.dtype == dtype


def test_a_single_pixel_gives_the_feature_of_its_token() -> None:
    features, masks = _features(4, 2, 3, 9), _masks(8, 12)
    torch.testing.assert_close(kernels.pool_regions(features, masks)[1], features[1, 1, 2])


def test_views_and_batches_without_regions_pool() -> None:
    features, masks = _features(4, 9, 2, 3).movedim(1, -1), _masks(8, 12)
    torch.testing.assert_close(
        kernels.pool_regions(features, masks), kernels.pool_regions(features.contiguous(), masks)
    )
    none = RegionMasks(masks.masks[:0], masks.tile[:0], masks.region[:0], ())
    assert kernels.pool_regions(features, none).shape == (0, 9)


def test_float64_takes_the_way_of_torch() -> None:
    features, masks = _features(4, 2, 3, 9).double(), _masks(8, 12)
    assert torch.equal(kernels.pool_regions(features, masks), pooling.pool_regions.__wrapped__(features, masks))


def test_a_region_without_pixels_or_on_a_missing_tile_is_nan_and_its_neighbours_are_not() -> None:
    features, masks = _features(4, 2, 3, 9), _masks(8, 12)
    masks.masks[2] = False  # the only entry of region 1
    masks.tile[1] = 4  # of region 2
    missing = kernels.pool_regions(features, masks).isnan()
    assert missing.all(1).tolist() == missing.any(1).tolist() == [False, True, True]
    unmarked = RegionMasks(masks.masks[:1], masks.tile[:1], masks.region[:1], ("a", "b"))
    assert kernels.pool_regions(features, unmarked).isnan().all(1).tolist() == [False, True]


@pytest.mark.skipif(INTERPRETED, reason="there is nothing to wait for without a GPU")
def test_the_host_does_not_wait_for_the_gpu() -> None:
    features, masks = _features(4, 2, 3, 9).requires_grad_(), _masks(8, 12)
    kernels.pool_regions(features, masks).sum().backward()  # compiles
    torch.cuda.set_sync_debug_mode("error")
    try:
        kernels.pool_regions(features, masks).sum().backward()
    finally:
        torch.cuda.set_sync_debug_mode("default")
