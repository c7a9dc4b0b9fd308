"""Mask pooling: against the plain formula, over ragged batches, and its errors."""

import pytest
import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from models.regions import Region, RegionMasks, TilePlan, pack_regions, plan_tiles, pool_regions


def _features(tiles: int, rows: int, cols: int, channels: int = 5, seed: int = 0) -> Tensor:
    return torch.randn(tiles, rows, cols, channels, generator=torch.Generator().manual_seed(seed))


def _one_region(masks: Tensor) -> RegionMasks:
    count = len(masks)
    return RegionMasks(masks, torch.arange(count), torch.zeros(count, dtype=torch.long), ("thing",))


def _by_the_formula(features: Tensor, masks: RegionMasks) -> Tensor:
    """f_r = sum(w f) / sum(w), one region after the other, with dense area-averaged masks."""
    rows, cols = features.shape[1:3]
    pooled = []
    for region in range(len(masks.names)):
        mine = masks.region == region
        w = adaptive_avg_pool2d(masks.masks[mine].float(), (rows, cols))
        pooled.append(torch.einsum("ehw,ehwc->c", w, features[masks.tile[mine]]) / w.sum())
    return torch.stack(pooled)


@pytest.mark.parametrize(("size", "grid"), [((448, 448), (32, 32)), ((24, 40), (4, 5)), ((12, 20), (4, 5))])
def test_pooling_equals_the_dense_formula(size: tuple[int, int], grid: tuple[int, int]) -> None:
    generator = torch.Generator().manual_seed(1)
    masks = torch.rand(7, *size, generator=generator) > 0.7
    packed = RegionMasks(
        masks, torch.tensor([0, 1, 2, 3, 3, 4, 0]), torch.tensor([0, 0, 2, 1, 0, 2, 1]), ("a", "b", "c")
    )
    features = _features(5, *grid)
    # float32 sums in another order
    torch.testing.assert_close(pool_regions(features, packed), _by_the_formula(features, packed), atol=1e-5, rtol=1e-5)


def test_masks_that_are_views_of_a_larger_tensor_pool_the_same() -> None:
    generator = torch.Generator().manual_seed(0)
    store = torch.rand(3 * 16 * 16 + 3, generator=generator) > 0.5
    features = _features(3, 4, 4)
    view = store[3:].reshape(3, 16, 16)  # starts inside a 64-bit word
    assert torch.equal(pool_regions(features, _one_region(view)), pool_regions(features, _one_region(view.clone())))
    flipped = view.transpose(1, 2)
    assert torch.equal(
        pool_regions(features, _one_region(flipped)), pool_regions(features, _one_region(flipped.contiguous()))
    )


def test_a_masked_frame_among_many_gives_the_token_of_that_frame_alone() -> None:
    features = _features(8, 4, 4)
    mask = torch.rand(32, 32, generator=torch.Generator().manual_seed(0)) > 0.8
    among = torch.zeros(8, 32, 32, dtype=torch.bool)
    among[5] = mask
    alone = RegionMasks(mask[None], torch.tensor([0]), torch.tensor([0]), ("thing",))
    expected = pool_regions(features[5:6], alone)
    for mode in ("pixel", "frame_mean"):
        assert torch.equal(pool_regions(features, _one_region(among), mode), expected)


def test_pixel_mode_weighs_pixels_and_frame_mean_weighs_frames() -> None:
    features = torch.tensor([1.0, 4.0]).reshape(2, 1, 1, 1)
    masks = torch.zeros(2, 8, 8, dtype=torch.bool)
    masks[0, :2, 0] = True
    masks[1, 0, 0] = True
    assert pool_regions(features, _one_region(masks), "pixel").item() == pytest.approx((2 * 1 + 1 * 4) / 3)
    assert pool_regions(features, _one_region(masks), "frame_mean").item() == pytest.approx((1 + 4) / 2)


@pytest.mark.parametrize("side", [1, 3])
def test_a_tiny_mask_gives_a_finite_token(side: int) -> None:
    image_mask = torch.zeros(1080, 1920, dtype=torch.bool)
    image_mask[700 : 700 + side, 901 : 901 + side] = True
    plan = plan_tiles(1080, 1920)
    masks = pack_regions([[Region.from_mask(image_mask)]], [plan], [len(plan) + 1])
    token = pool_regions(_features(len(plan) + 1, 32, 32), masks)
    assert token.shape == (1, 5)
    assert torch.isfinite(token).all()
    assert token.any()


def test_a_region_token_does_not_depend_on_the_grid_where_features_are_linear_in_position() -> None:
    height, width = 96, 144
    mask = torch.zeros(height, width, dtype=torch.bool)
    mask[16:48, 24:96] = True  # whole tokens in all grids, so that the mean position is exact in each
    tokens = []
    for grid in [(1, 1), (2, 3), (2, 2), (4, 3)]:
        plan = TilePlan(*grid, 48)
        y, x = ((torch.arange(n * 12) + 0.5) / (n * 12) for n in grid)  # 12 tokens a tile, centres in 0..1
        position = torch.stack(torch.meshgrid(y, x, indexing="ij"), -1)
        tiles = position.reshape(grid[0], 12, grid[1], 12, 2).transpose(1, 2).reshape(-1, 12, 12, 2)
        masks = pack_regions([[Region.from_mask(mask)]], [plan], [len(plan)])
        tokens.append(pool_regions(tiles, masks))
    expected = torch.tensor([[32 / height, 60 / width]])
    for token in tokens:
        torch.testing.assert_close(token, expected, atol=1e-6, rtol=0)  # float32 sums


def test_a_ragged_batch_pools_as_its_samples_do_alone() -> None:
    generator = torch.Generator().manual_seed(3)

    def blob(height: int, width: int) -> Tensor:
        return torch.rand(height, width, generator=generator) > 0.9

    image = [Region.from_mask(blob(90, 160), name="left"), Region.from_mask(blob(90, 160))]
    video = [Region({1: blob(60, 80), 3: blob(60, 80)}), Region({0: blob(60, 80)}), Region({2: blob(60, 80)})]
    samples = [(image, TilePlan(2, 3, 16), 7), (video, TilePlan(1, 1, 16), 4), ([], TilePlan(1, 1, 16), 1)]
    features = _features(12, 4, 4)
    together = pool_regions(features, pack_regions(*map(list, zip(*samples, strict=True))))
    assert together.shape == (5, 5)
    first, alone = 0, []
    for regions, plan, tiles in samples:
        alone.append(pool_regions(features[first : first + tiles], pack_regions([regions], [plan], [tiles])))
        first += tiles
    # the order of float32 sums is the same, so the results are
    assert torch.equal(together, torch.cat(alone))


def test_the_ends_of_a_region_are_its_first_and_last_tile() -> None:
    tile, region = torch.tensor([4, 2, 3, 1]), torch.tensor([0, 0, 2, 0])
    first, last = RegionMasks(torch.ones(4, 2, 2, dtype=torch.bool), tile, region, ("a", "hidden", "c")).end_tiles()
    assert (first.tolist(), last.tolist()) == ([1, 0, 3], [4, 0, 3])


def test_a_batch_without_regions_pools_to_nothing() -> None:
    masks = pack_regions([[], []], [TilePlan(1, 1, 8)] * 2, [1, 1])
    assert pool_regions(_features(2, 2, 2), masks).shape == (0, 5)


def test_gradients_reach_the_features_with_their_weights() -> None:
    features = _features(2, 2, 2).double().requires_grad_()
    masks = _one_region(torch.rand(2, 8, 8, generator=torch.Generator().manual_seed(0)) > 0.5)
    assert torch.autograd.gradcheck(lambda x: pool_regions(x, masks), features)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16])
def test_features_keep_their_dtype(dtype: torch.dtype) -> None:
    features = _features(2, 4, 4)
    masks = _one_region(torch.rand(2, 32, 32, generator=torch.Generator().manual_seed(0)) > 0.5)
    pooled = pool_regions(features.to(dtype), masks)
    assert pooled.dtype == dtype
    # bfloat16 keeps 8 bits: 2^-8 of features of size 1
    torch.testing.assert_close(pooled.float(), pool_regions(features, masks), atol=2e-2, rtol=0)


def test_an_empty_region_is_refused_by_name() -> None:
    masks = torch.zeros(2, 8, 8, dtype=torch.bool)
    masks[0, 1, 1] = True
    packed = RegionMasks(masks, torch.tensor([0, 0]), torch.tensor([0, 1]), ("the cup", "the table"))
    with pytest.raises(ValueError, match="cannot pool the table: the mask is empty"):
        pool_regions(_features(1, 2, 2), packed)


def test_an_entry_on_a_tile_that_does_not_exist_is_refused() -> None:
    masks = RegionMasks(torch.ones(1, 8, 8, dtype=torch.bool), torch.tensor([3]), torch.tensor([0]), ("cup",))
    with pytest.raises(ValueError, match="tile 3, but the features have 2"):
        pool_regions(_features(2, 2, 2), masks)


@pytest.mark.gpu
def test_pooling_on_a_gpu_equals_pooling_on_the_cpu() -> None:
    masks = _one_region(torch.rand(6, 64, 64, generator=torch.Generator().manual_seed(0)) > 0.8)
    features = _features(6, 8, 8)
    pooled = pool_regions(features.to("cuda"), masks.to("cuda"))
    torch.testing.assert_close(pooled.cpu(), pool_regions(features, masks))  # float32 sums in another order
