"""Tiling: plans by hand, stitching as the inverse, points that never blend, masks that never vanish."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from models.geometry import PointMap
from models.regions import TilePlan, plan_tiles, stitch, thumbnail, tile_image, tile_mask, tile_points

GRIDS = [(rows, cols) for rows in range(1, 13) for cols in range(1, 13) if rows * cols <= 12]


@pytest.mark.parametrize(
    ("width", "height", "cols", "rows"),
    [(640, 480, 4, 3), (480, 640, 3, 4), (1920, 1080, 4, 2), (448, 448, 1, 1), (300, 2000, 1, 7), (1000, 1000, 3, 3)],
)
def test_plans_equal_those_of_the_published_rule(width: int, height: int, cols: int, rows: int) -> None:
    assert plan_tiles(height, width) == TilePlan(rows=rows, cols=cols, tile=448)


@pytest.mark.parametrize(("rows", "cols"), GRIDS)
def test_an_image_of_the_size_of_a_grid_gets_that_grid(rows: int, cols: int) -> None:
    assert plan_tiles(rows * 448, cols * 448) == TilePlan(rows, cols, 448)


def test_of_equally_close_grids_the_larger_needs_more_than_half_of_its_pixels() -> None:
    half = 448 * 448 * 2  # of the 2 x 2 grid
    side = int(half**0.5)  # side^2 is just below the half
    assert plan_tiles(side, side) == TilePlan(1, 1, 448)
    assert plan_tiles(side + 1, side + 1) == TilePlan(2, 2, 448)


@given(st.integers(1, 4000), st.integers(1, 4000), st.integers(1, 12))
def test_no_grid_is_closer_in_aspect_than_the_planned_one(height: int, width: int, max_tiles: int) -> None:
    plan = plan_tiles(height, width, max_tiles=max_tiles)
    candidates = [abs(width / height - c / r) for c in range(1, 13) for r in range(1, 13) if c * r <= max_tiles]
    assert len(plan) <= max_tiles
    assert abs(width / height - plan.cols / plan.rows) == min(candidates)


def test_a_plan_for_no_pixels_is_refused() -> None:
    with pytest.raises(ValueError, match="0 x 640"):
        plan_tiles(0, 640)


@pytest.mark.parametrize(("rows", "cols"), GRIDS)
def test_stitching_undoes_tiling_bit_for_bit(rows: int, cols: int) -> None:
    plan = TilePlan(rows, cols, 4)
    image = torch.randint(0, 256, (2, 3, *plan.size), dtype=torch.uint8)
    tiles = tile_image(image, plan)
    assert tiles.shape == (2, rows * cols, 3, 4, 4)
    assert torch.equal(stitch(tiles.movedim(2, -1), plan), image.movedim(1, -1))


def test_tiles_are_listed_row_by_row() -> None:
    image = torch.arange(6, dtype=torch.uint8).reshape(1, 2, 3)
    assert tile_image(image, TilePlan(2, 3, 1)).flatten().tolist() == [0, 1, 2, 3, 4, 5]


def test_image_tiles_equal_those_cut_with_pil_to_one_grey_level() -> None:
    generator = torch.Generator().manual_seed(0)
    image = torch.randint(0, 256, (3, 90, 160), dtype=torch.uint8, generator=generator)
    plan = TilePlan(2, 4, 28)
    resized = Image.fromarray(image.permute(1, 2, 0).numpy()).resize((112, 56), Image.Resampling.BICUBIC)
    crops = [resized.crop((x, y, x + 28, y + 28)) for y in (0, 28) for x in (0, 28, 56, 84)]
    expected = torch.stack([torch.from_numpy(np.array(crop)).permute(2, 0, 1) for crop in crops])
    difference = (tile_image(image, plan).int() - expected.int()).abs()
    assert difference.max() <= 1  # both round fixed-point sums to 8 bits, at different places


def test_the_thumbnail_is_the_whole_image_in_one_tile() -> None:
    image = torch.zeros(3, 40, 80, dtype=torch.uint8)
    image[:, :, 40:] = 200
    small = thumbnail(image, TilePlan(1, 2, 16))
    assert small.shape == (3, 16, 16)
    assert small[0, 8, 2] == 0
    assert small[0, 8, 13] == 200


def _points(height: int, width: int, generator: torch.Generator) -> PointMap:
    valid = torch.rand(height, width, generator=generator) > 0.4
    xyz = torch.randn(height, width, 3, generator=generator) * valid[..., None]
    return PointMap(xyz, valid, "world")


@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from([(1, 1), (2, 3), (3, 1)]), st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_tiled_points_are_measured_points(height: int, width: int, grid: tuple[int, int], seed: int) -> None:
    points = _points(height, width, torch.Generator().manual_seed(seed))
    tiles = tile_points(points, TilePlan(*grid, 8))
    measured = {tuple(point) for point in points.xyz[points.valid].tolist()}
    assert {tuple(point) for point in tiles.xyz[tiles.valid].tolist()} <= measured
    assert not tiles.xyz[~tiles.valid].any()


def test_points_of_an_image_of_grid_size_are_only_cut() -> None:
    points = _points(12, 18, torch.Generator().manual_seed(0))
    plan = TilePlan(2, 3, 6)
    tiles = tile_points(points, plan)
    assert torch.equal(stitch(tiles.xyz, plan), points.xyz)
    assert torch.equal(stitch(tiles.valid[..., None], plan)[..., 0], points.valid)


@given(st.integers(1, 70), st.integers(1, 70), st.sampled_from([(1, 1), (2, 3), (1, 4)]), st.data())
@settings(max_examples=60, deadline=None)
def test_a_mask_of_one_pixel_survives_tiling_at_its_place(
    height: int, width: int, grid: tuple[int, int], data: st.DataObject
) -> None:
    y, x = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
    mask = torch.zeros(height, width, dtype=torch.bool)
    mask[y, x] = True
    plan = TilePlan(*grid, 8)
    found = stitch(tile_mask(mask, plan)[..., None], plan)[..., 0].nonzero() + 0.5
    assert len(found)
    centre = found.mean(0) / torch.tensor(plan.size) * torch.tensor([height, width])
    pixel = torch.tensor([height, width]) / torch.tensor(plan.size)  # one new pixel, in old ones
    assert ((centre - torch.tensor([y + 0.5, x + 0.5])).abs() <= torch.maximum(pixel, torch.ones(2)) / 2 + 1e-4).all()


def test_a_mask_that_shrinks_by_a_whole_number_is_the_max_of_each_block() -> None:
    mask = torch.rand(2, 24, 36, generator=torch.Generator().manual_seed(0)) > 0.9
    plan = TilePlan(2, 3, 4)
    blocks = mask.reshape(2, 8, 3, 12, 3).amax((2, 4))
    assert torch.equal(stitch(tile_mask(mask, plan)[..., None], plan)[..., 0], blocks)


def test_a_mask_that_grows_by_a_whole_number_repeats_its_pixels() -> None:
    mask = torch.rand(4, 6, generator=torch.Generator().manual_seed(0)) > 0.5
    plan = TilePlan(2, 3, 8)
    grown = mask.repeat_interleave(4, 0).repeat_interleave(4, 1)
    assert torch.equal(stitch(tile_mask(mask, plan)[..., None], plan)[..., 0], grown)
