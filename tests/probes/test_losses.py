"""The losses against an independent implementation (numpy, loops) and by hand."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from probes import camera_loss, depth_loss, point_loss

SHAPE = (2, 3, 4, 5)


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def confidence(seed: int = 9) -> Tensor:
    return 1 + draw(*SHAPE, seed=seed).abs()


@pytest.mark.parametrize("masked", [False, True])
def test_the_point_loss_is_that_of_an_independent_implementation(masked: bool) -> None:
    pred, true, weight = draw(*SHAPE, 3), draw(*SHAPE, 3, seed=1), confidence()
    mask = draw(*SHAPE, seed=2) > 0 if masked else None
    sides = []
    for side in (pred, true):
        scaled = side.numpy().copy()
        for clip, seen in zip(scaled, np.ones(SHAPE, bool) if mask is None else mask.numpy(), strict=True):
            far = np.sqrt((clip**2).sum(-1))
            clip /= far[seen].sum() / (seen.sum() + 1e-3)
        sides.append(scaled)
    far = np.sqrt(((sides[0] - sides[1]) ** 2).sum(-1)) * weight.numpy()
    expected = far.mean() if mask is None else far[mask.numpy()].mean()
    assert float(point_loss(pred, true, weight, mask)) == pytest.approx(expected, abs=1e-5)


def test_the_point_loss_does_not_see_the_scale_of_a_clip() -> None:
    pred, true = draw(*SHAPE, 3), draw(*SHAPE, 3, seed=1)
    torch.testing.assert_close(point_loss(7 * pred, true, confidence()), point_loss(pred, true, confidence()))


def test_the_depth_loss_is_weighted_capped_and_keeps_what_is_not_finite_as_zero() -> None:
    pred, true = torch.zeros(1, 1, 1, 4), torch.tensor([2.0, 500.0, math.inf, math.nan])[None, None, None]
    weight = torch.tensor([3.0, 1.0, 1.0, 1.0])[None, None, None]
    assert float(depth_loss(pred, true, weight)) == pytest.approx((6 + 100 + 100 + 0) / 4)  # infinity is capped
    mask = torch.tensor([True, False, False, False])[None, None, None]
    assert float(depth_loss(pred, true, weight, mask)) == 6


def test_the_camera_loss_counts_later_iterations_more() -> None:
    true = torch.zeros(1, 2, 9)
    off = torch.zeros(1, 2, 9)
    off[..., 0] = 3.0  # Huber: 3 - 0.5, over three entries of translation
    one = 2.5 / 3
    assert float(camera_loss([true, true, true, off], true)) == pytest.approx(one / 4)
    assert float(camera_loss([off, true, true, true], true)) == pytest.approx(0.6**3 * one / 4)
    wide = torch.zeros(1, 2, 9)
    wide[..., 8] = 0.2  # Huber: 0.02, over two entries, half the weight
    assert float(camera_loss([wide], true)) == pytest.approx(0.5 * 0.01)
