"""The measures of a mask: its box, its mean place and its size."""

import pytest
import torch

from models.sr3d.encodings.mask_encoding import MASK_CHANNELS, mask_encoding, mask_measures


def test_a_box_has_its_edges_its_centre_and_the_root_of_its_area() -> None:
    mask = torch.zeros(8, 16, dtype=torch.bool)
    mask[2:6, 4:12] = True  # rows, columns
    expected = [-0.5, -0.5, 0.5, 0.5, 0.0, 0.0, 2 * 0.25**0.5 - 1]
    torch.testing.assert_close(mask_measures(mask[None])[0], torch.tensor(expected))


def test_a_shift_moves_edges_and_centre_by_as_much_and_keeps_the_area() -> None:
    mask = torch.zeros(2, 16, 16, dtype=torch.bool)
    mask[0, 3:7, 2:5] = True
    mask[0, 4, 4] = False  # no box
    mask[1] = mask[0].roll((4, 6), (0, 1))
    first, second = mask_measures(mask)
    right, down = 6 / 16 * 2, 4 / 16 * 2
    torch.testing.assert_close(second - first, torch.tensor([right, down, right, down, right, down, 0.0]))


def test_an_empty_mask_has_finite_measures() -> None:
    assert not mask_measures(torch.zeros(1, 8, 8, dtype=torch.bool)).any()


@pytest.mark.parametrize("count", [0, 3])
def test_the_code_has_as_many_channels_as_stated(count: int) -> None:
    assert mask_encoding(torch.rand(count, 8, 8) > 0.5).shape == (count, MASK_CHANNELS)
