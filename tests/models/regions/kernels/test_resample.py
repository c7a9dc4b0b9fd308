"""Tiling by a kernel is tiling by torch, forward and backward."""

import pytest
import torch
from torch import Tensor

from models.regions import TilePlan, tiling
from tests.support.kernels import DEVICE, INTERPRETED, MARKS

kernels = pytest.importorskip("models.regions.kernels", reason="needs triton")
pytestmark = MARKS
SIZES = [  # of a picture, and its grid: shrinking, growing, odd, one pixel, unchanged, one axis of each kind
    ((45, 80), TilePlan(2, 3, 11)),
    ((7, 5), TilePlan(2, 3, 8)),
    ((37, 29), TilePlan(3, 1, 11)),
    ((1, 1), TilePlan(1, 2, 3)),
    ((14, 21), TilePlan(2, 3, 7)),
    ((90, 5), TilePlan(1, 2, 16)),
]


def _image(*shape: int) -> Tensor:
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(0)).to(DEVICE)


@pytest.mark.parametrize(("size", "plan"), SIZES[:2])
def test_an_image_of_8_bits_is_tiled_as_in_floating_point_then_rounded(size: tuple[int, int], plan: TilePlan) -> None:
    image = _image(2, 1, *size)
    exact = tiling.tile_image.__wrapped__(image.float(), plan).clamp(0, 255)
    tiles = kernels.tile_image(image, plan)
    assert tiles.dtype == torch.uint8
    assert tiles.shape == (2, len(plan), 1, plan.tile, plan.tile)
    assert (tiles - exact).abs().max() <= 0.5 + 1e-3  # sums of float32 in another order


@pytest.mark.parametrize(("size", "plan"), SIZES)
def test_tiles_and_gradients_equal_those_of_torch(size: tuple[int, int], plan: TilePlan) -> None:
    image = torch.randn(1, *size, generator=torch.Generator().manual_seed(0)).to(DEVICE)
    weights = torch.randn(len(plan), 1, plan.tile, plan.tile, generator=torch.Generator().manual_seed(1)).to(DEVICE)
    tiles, gradients = [], []
    for function in (tiling.tile_image.__wrapped__, kernels.tile_image):
        leaf = image.clone().requires_grad_()
        tiles.append(function(leaf, plan))
        (tiles[-1] * weights).sum().backward()
        gradients.append(leaf.grad)
    torch.testing.assert_close(tiles[1], tiles[0], atol=1e-5, rtol=1e-5)  # float32 sums in another order
    torch.testing.assert_close(gradients[1], gradients[0], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_types_keep_their_type_and_round_once(dtype: torch.dtype) -> None:
    plan = TilePlan(2, 3, 8)
    image = torch.randn(1, 30, 31, generator=torch.Generator().manual_seed(0)).to(DEVICE, dtype)
    tiles = kernels.tile_image(image, plan)
    assert tiles.dtype == dtype
    exact = tiling.tile_image.__wrapped__(image.float(), plan)
    torch.testing.assert_close(tiles.float(), exact, atol=1e-5, rtol=torch.finfo(dtype).eps)


def test_a_view_of_any_batch_is_tiled() -> None:
    video = _image(2, 20, 31, 3).movedim(-1, 1)[None]
    plan = TilePlan(1, 2, 8)
    tiles = kernels.tile_image(video, plan)
    assert tiles.shape == (1, 2, 2, 3, 8, 8)
    assert torch.equal(tiles[0, 1], kernels.tile_image(video[0, 1].contiguous(), plan))
    assert kernels.tile_image(video[:0], plan).shape == (0, 2, 2, 3, 8, 8)


def test_what_has_no_kernel_takes_the_way_of_torch() -> None:
    image = torch.randn(1, 20, 31, dtype=torch.float64, device=DEVICE)
    plan = TilePlan(1, 2, 8)
    assert torch.equal(kernels.tile_image(image, plan), tiling.tile_image.__wrapped__(image, plan))
    eight_bits = _image(3, 20, 31)
    pillow = tiling.tile_image.__wrapped__(eight_bits, plan, "pillow")
    assert torch.equal(kernels.tile_image(eight_bits, plan, "pillow"), pillow)


@pytest.mark.parametrize(("size", "plan"), SIZES)
def test_masks_are_tiled_as_by_torch(size: tuple[int, int], plan: TilePlan) -> None:
    masks = torch.rand(4, *size, generator=torch.Generator().manual_seed(0)) > 0.9
    masks[1] = False
    masks[2] = False
    masks[2, size[0] // 2, size[1] - 1] = True
    masks = masks.to(DEVICE)
    tiles = kernels.tile_mask(masks, plan)
    assert torch.equal(tiles, tiling.tile_mask.__wrapped__(masks, plan))
    assert tiles[2].any()
    assert kernels.tile_mask(masks[:0], plan).shape == (0, len(plan), plan.tile, plan.tile)


@pytest.mark.skipif(INTERPRETED, reason="there is nothing to wait for without a GPU")
def test_the_host_does_not_wait_for_the_gpu_even_for_a_new_size() -> None:
    image, mask = torch.randn(1, 30, 31, device=DEVICE, requires_grad=True), torch.ones(30, 31, device=DEVICE) > 0
    kernels.tile_image(image, TilePlan(1, 2, 8)).sum().backward()  # compiles
    kernels.tile_mask(mask, TilePlan(1, 2, 8))
    torch.cuda.set_sync_debug_mode("error")
    try:
        kernels.tile_image(image, TilePlan(2, 1, 8)).sum().backward()
        kernels.tile_mask(mask, TilePlan(2, 1, 8))
    finally:
        torch.cuda.set_sync_debug_mode("default")
