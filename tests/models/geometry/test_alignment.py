"""Alignment: exact recovery, reflections, outliers, invalid values, batches."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.geometry import align_scale, align_scale_shift, align_similarity, matrix, transform_points
from tests.support.clips.random_geometry import random_rotations

SEEDS = st.integers(0, 10_000)


@given(SEEDS, st.floats(-1, 1))
@settings(max_examples=40, deadline=None)
def test_a_similarity_is_recovered(seed: int, log_scale: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    scale = 10**log_scale
    target_T_source = matrix(scale * random_rotations(generator, 3), torch.randn(3, 3, generator=generator))
    source = torch.randn(3, 20, 3, generator=generator)
    target = transform_points(source, target_T_source[:, None])
    found, found_scale = align_similarity(source, target)
    torch.testing.assert_close(found, target_T_source, atol=1e-5 * max(1, scale), rtol=1e-5)  # float32 inputs
    torch.testing.assert_close(found_scale, torch.full((3,), scale), atol=0, rtol=1e-5)


@given(SEEDS)
@settings(max_examples=20, deadline=None)
def test_mirrored_points_are_aligned_by_a_rotation_all_the_same(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    source = torch.randn(20, 3, generator=generator)
    found, scale = align_similarity(source, source * torch.tensor([-1.0, 1.0, 1.0]))
    rotation = found[:3, :3] / scale
    torch.testing.assert_close(rotation @ rotation.T, torch.eye(3), atol=1e-5, rtol=0)
    assert torch.linalg.det(rotation).item() == pytest.approx(1, abs=1e-5)
    assert scale > 0


def test_a_planar_scene_is_aligned_by_a_rotation() -> None:
    generator = torch.Generator().manual_seed(0)
    source = torch.randn(20, 3, generator=generator) * torch.tensor([1.0, 1.0, 0.0])
    target_T_source = matrix(2 * random_rotations(generator, 1)[0], torch.ones(3))
    found, _ = align_similarity(source, transform_points(source, target_T_source))
    torch.testing.assert_close(found, target_T_source, atol=1e-5, rtol=1e-5)


@given(SEEDS)
@settings(max_examples=20, deadline=None)
def test_outliers_of_weight_zero_do_not_matter_even_as_nan(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    target_T_source = matrix(1.5 * random_rotations(generator, 1)[0], torch.randn(3, generator=generator))
    source = torch.randn(30, 3, generator=generator)
    target = transform_points(source, target_T_source)
    weights = torch.rand(30, generator=generator) + 0.1
    target[:5], source[5:8], weights[:8] = 1000, math.nan, 0
    found, _ = align_similarity(source, target, weights)
    torch.testing.assert_close(found, target_T_source, atol=1e-5, rtol=1e-5)


def test_a_weight_of_two_counts_as_two_pairs() -> None:
    generator = torch.Generator().manual_seed(0)
    source, target = torch.randn(2, 6, 3, generator=generator).unbind(0)
    weighted, _ = align_similarity(source, target, torch.tensor([2.0, 1, 1, 1, 1, 1]))
    repeated, _ = align_similarity(torch.cat([source[:1], source]), torch.cat([target[:1], target]))
    torch.testing.assert_close(weighted, repeated)


def test_no_other_similarity_fits_better() -> None:
    generator = torch.Generator().manual_seed(0)
    source, target = torch.randn(2, 10, 3, generator=generator).unbind(0)
    found, _ = align_similarity(source, target)

    def error(target_T_source: torch.Tensor) -> float:
        return (transform_points(source, target_T_source) - target).square().sum().item()

    for turn in random_rotations(generator, 50):
        small = torch.matrix_exp(0.05 * (turn - turn.T))  # a small rotation
        assert error(found @ matrix(small, torch.zeros(3))) > error(found) - 1e-4
        assert error(found @ matrix(1.02 * small, torch.zeros(3))) > error(found) - 1e-4


@given(SEEDS, st.floats(0.1, 10), st.floats(-3, 3))
@settings(max_examples=20, deadline=None)
def test_scale_and_shift_of_depth_are_recovered_despite_holes(seed: int, scale: float, shift: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    source = torch.rand(2, 50, generator=generator) + 0.5
    weights = torch.ones(2, 50)
    weights[:, ::4] = 0
    affine = scale * source + shift
    affine[:, ::4] = math.nan
    found_scale, found_shift = align_scale_shift(source, affine, weights)
    torch.testing.assert_close(found_scale, torch.full((2,), scale), atol=1e-4, rtol=1e-4)  # float32 inputs
    torch.testing.assert_close(found_shift, torch.full((2,), shift), atol=1e-4, rtol=1e-4)
    linear = scale * source
    linear[:, ::4] = math.inf
    torch.testing.assert_close(align_scale(source, linear, weights), torch.full((2,), scale), atol=0, rtol=1e-5)


def test_scale_is_the_least_squares_one() -> None:
    # s = (1*1 + 2*3) / (1 + 4)
    assert align_scale(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 3.0])).item() == pytest.approx(7 / 5)


def test_too_few_pairs_are_refused() -> None:
    points = torch.randn(5, 3)
    with pytest.raises(ValueError, match="at least 3 values of positive weight, got 2"):
        align_similarity(points, points, torch.tensor([1.0, 1, 0, 0, 0]))
    with pytest.raises(ValueError, match="at least 1 values of positive weight, got 0"):
        align_scale(points[0], points[0], torch.zeros(3))
