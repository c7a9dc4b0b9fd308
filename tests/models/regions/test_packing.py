"""Regions of a ragged batch as one list of tile masks."""

import pytest
import torch

from models.regions import Region, TilePlan, pack_regions

SIDE = 4


def _mask(*pixels: tuple[int, int], height: int = SIDE, width: int = SIDE) -> torch.Tensor:
    mask = torch.zeros(height, width, dtype=torch.bool)
    for row, col in pixels:
        mask[row, col] = True
    return mask


def test_entries_name_the_tile_and_the_region_of_the_whole_batch() -> None:
    video = [Region({2: _mask((0, 0))}, "cup"), Region({0: _mask((1, 1)), 1: _mask((2, 2))})]
    image = [Region({0: _mask((0, 5), height=SIDE, width=2 * SIDE)})]
    packed = pack_regions([video, image], [TilePlan(1, 1, SIDE), TilePlan(1, 2, SIDE)], [3, 3])
    assert packed.names == ("cup", "region 1 of sample 0", "region 0 of sample 1")
    assert packed.region.tolist() == [0, 1, 1, 2]
    assert packed.tile.tolist() == [2, 0, 1, 4]  # three frames, then two tiles and a thumbnail
    assert [mask.nonzero().tolist() for mask in packed.masks] == [[[0, 0]], [[1, 1]], [[2, 2]], [[0, 1]]]


def test_a_region_has_an_entry_for_each_tile_that_it_touches_and_no_other() -> None:
    wide = Region({0: _mask((0, SIDE - 1), (0, SIDE), height=SIDE, width=3 * SIDE)})
    packed = pack_regions([[wide]], [TilePlan(1, 3, SIDE)], [4])
    assert packed.tile.tolist() == [0, 1]
    assert packed.region.tolist() == [0, 0]


def test_a_batch_without_regions_has_no_entries_of_its_tile_size() -> None:
    packed = pack_regions([[], []], [TilePlan(1, 1, SIDE)] * 2, [1, 3])
    assert packed.masks.shape == (0, SIDE, SIDE)
    assert packed.names == ()


def test_a_region_on_a_frame_that_does_not_exist_is_refused_by_name() -> None:
    region = Region.from_box((0, 0, 4, 4), 8, 8, frame=5, name="the cup")
    with pytest.raises(ValueError, match=r"the cup marks frame 5, but the sample has 2"):
        pack_regions([[region]], [TilePlan(1, 1, 8)], [2])


def test_tiles_of_two_sizes_in_one_batch_are_refused() -> None:
    with pytest.raises(ValueError, match=r"tiles of a batch must have one size, got sides of \[8, 16\]"):
        pack_regions([[], []], [TilePlan(1, 1, 16), TilePlan(1, 1, 8)], [1, 1])
