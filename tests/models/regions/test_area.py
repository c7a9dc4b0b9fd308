"""How much of each token a mask covers, exact at every size."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import adaptive_avg_pool2d

from models.regions import area_weights
from models.regions.area import overlap


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 9), st.integers(1, 9), st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_areas_of_all_tokens_add_up_to_the_mask_at_any_size(
    height: int, width: int, rows: int, cols: int, seed: int
) -> None:
    masks = torch.rand(3, height, width, generator=torch.Generator().manual_seed(seed)) > 0.5
    weights = area_weights(masks, rows, cols)
    total = torch.zeros(3).index_add(0, weights.entry, weights.area)
    torch.testing.assert_close(total, masks.sum((1, 2)).float())  # overlaps are rounded to float32


@pytest.mark.parametrize("height", [255, 256, 512])
def test_areas_stay_exact_where_a_token_is_taller_than_a_byte_counts(height: int) -> None:
    weights = area_weights(torch.ones(1, height, 16, dtype=torch.bool), 1, 2)
    assert weights.area.tolist() == [height * 8, height * 8]


def test_a_pixel_across_two_tokens_counts_for_each_with_its_overlap() -> None:
    masks = torch.zeros(1, 3, 1, dtype=torch.bool)
    masks[0, 1] = True  # the middle of three pixels, on a grid of two tokens
    weights = area_weights(masks, 2, 1)
    assert weights.cell.tolist() == [0, 1]
    assert weights.area.tolist() == [0.5, 0.5]


def test_mixed_precision_does_not_round_the_areas() -> None:
    masks = torch.rand(2, 31, 33, generator=torch.Generator().manual_seed(0)) > 0.5
    exact = area_weights(masks, 2, 2)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(area_weights(masks, 2, 2).area, exact.area)


@pytest.mark.parametrize(("height", "width"), [(16, 32), (15, 33)])
def test_areas_are_those_of_a_dense_average(height: int, width: int) -> None:
    masks = torch.rand(3, height, width, generator=torch.Generator().manual_seed(2)) > 0.6
    weights = area_weights(masks, 4, 8)
    dense = torch.zeros(3, 4 * 8)
    dense[weights.entry, weights.cell] = weights.area
    if (height % 4, width % 8) == (0, 0):
        mean = adaptive_avg_pool2d(masks.float(), (4, 8)).flatten(1)
        torch.testing.assert_close(dense, mean * (height // 4) * (width // 8))
    by_overlap = torch.einsum("rh,ehw,cw->erc", overlap(4, height, masks), masks.float(), overlap(8, width, masks))
    torch.testing.assert_close(dense, by_overlap.flatten(1))


def test_only_tokens_that_a_mask_touches_are_listed() -> None:
    masks = torch.zeros(2, 8, 16, dtype=torch.bool)
    masks[1, 5, 9] = True
    weights = area_weights(masks, 2, 2)
    assert (weights.entry.tolist(), weights.cell.tolist(), weights.area.tolist()) == ([1], [3], [1.0])


def test_the_overlaps_of_a_pixel_add_up_to_the_pixel() -> None:
    assert overlap(2, 3, torch.zeros(0)).tolist() == [[1, 0.5, 0], [0, 0.5, 1]]
    assert overlap(3, 2, torch.zeros(0)).sum(0).tolist() == pytest.approx([1, 1])
