"""Dense errors by hand."""

import math

import pytest
import torch

from benchmarks.metrics.dense import abs_rel, end_point_error, mask_iou, ray_angle_deg


def test_abs_rel_is_relative_to_the_truth_and_over_valid_pixels() -> None:
    true, pred = torch.tensor([2.0, 4.0, 1.0]), torch.tensor([3.0, 3.0, 100.0])
    assert abs_rel(pred, true, torch.tensor([True, True, False])) == pytest.approx((0.5 + 0.25) / 2)


def test_end_point_error_is_a_length_in_pixels() -> None:
    true = torch.zeros(1, 2, 1, 2)
    pred = torch.tensor([3.0, 9.0, 4.0, 9.0]).reshape(1, 2, 1, 2)
    assert end_point_error(pred, true, torch.tensor([[[True, False]]])) == pytest.approx(5)


def test_iou_counts_valid_pixels_of_all_masks_together() -> None:
    pred, true = torch.tensor([1, 1, 0, 1]).bool(), torch.tensor([1, 0, 1, 0]).bool()
    assert mask_iou(pred, true, torch.tensor([1, 1, 1, 0]).bool()) == pytest.approx(1 / 3)
    assert math.isnan(mask_iou(pred & False, true & False, pred | True))


def test_the_angle_of_rays_ignores_their_length_and_moments() -> None:
    one = torch.zeros(6, 1, 1)
    one[0] = 2.0
    other = torch.ones(6, 1, 1)
    other[2] = 0.0
    assert ray_angle_deg(one, other, torch.ones(1, 1).bool()) == pytest.approx(45, abs=1e-3)
