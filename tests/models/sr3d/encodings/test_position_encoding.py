"""The 3D position encoding: its size, its zero start, and that codes belong to points and not to views."""

import math

import pytest
import torch
from torch.nn.functional import adaptive_avg_pool2d

from models.geometry import PointMap, SceneNormalizer, clip_canonical, invert, pool_points, transform
from models.sr3d.encodings.position_encoding import PositionEncoding3D, sinusoids


def _trained(channels: int = 24, oversample: int = 1) -> PositionEncoding3D:
    torch.manual_seed(0)
    encoding = PositionEncoding3D(channels, None, 8 * math.pi, oversample)
    torch.nn.init.normal_(encoding.last.weight)
    return encoding


def _scene(seed: int = 0) -> PointMap:
    generator = torch.Generator().manual_seed(seed)
    return PointMap(torch.randn(3, 16, 16, 3, generator=generator), torch.ones(3, 16, 16, dtype=torch.bool), "world")


def _codes(points: PointMap, encoding: PositionEncoding3D, grid: int = 4) -> torch.Tensor:
    canonical = clip_canonical(SceneNormalizer.fit(points).apply(points))
    pooled = pool_points(canonical, grid, grid)
    code: torch.Tensor = encoding(pooled.xyz, pooled.valid)
    return code


def test_at_the_width_of_siglip_it_has_the_parameters_that_the_specification_counts() -> None:
    encoding = PositionEncoding3D(1152, None, 128 * math.pi)
    assert encoding.frequencies == 192
    assert sum(p.numel() for p in encoding.parameters()) == 2_656_512


def test_it_is_exactly_zero_at_first() -> None:
    encoding = PositionEncoding3D(24, None, 8 * math.pi)
    assert not encoding(torch.rand(2, 4, 4, 3), torch.ones(2, 4, 4, dtype=torch.bool)).any()


def test_any_width_is_possible() -> None:
    encoding = PositionEncoding3D(64, 8, 8 * math.pi)
    assert encoding(torch.rand(2, 4, 4, 3), torch.ones(2, 4, 4, dtype=torch.bool)).shape == (2, 4, 4, 64)


def test_sinusoids_run_from_the_lowest_to_the_highest_frequency() -> None:
    code = sinusoids(torch.tensor([[1.0]]), 3, math.pi / 2, 2 * math.pi)
    expected = torch.tensor([[math.sin(w) for w in (math.pi / 2, math.pi, 2 * math.pi)]])
    torch.testing.assert_close(code[:, :3], expected, atol=1e-6, rtol=0)  # float32 sine near a multiple of pi


def test_a_scaled_and_moved_scene_has_the_same_codes() -> None:
    points = _scene()
    moved = PointMap(points.xyz * 3.7 + torch.tensor([10.0, -4.0, 2.0]), points.valid, "world")
    encoding = _trained()
    # a canonical point moves by some 1e-6 (float32 quantiles of shifted numbers), times 8 pi, times weights near 1
    torch.testing.assert_close(_codes(moved, encoding), _codes(points, encoding), atol=5e-3, rtol=0)


def test_one_world_point_seen_from_two_cameras_has_one_code() -> None:
    angle = torch.tensor(0.8)
    world_T_cam = torch.eye(4)
    world_T_cam[:3, :3] = torch.tensor([[angle.cos(), 0, angle.sin()], [0, 1, 0], [-angle.sin(), 0, angle.cos()]])
    world_T_cam[:3, 3] = torch.tensor([1.0, 2.0, -0.5])
    first = PointMap(torch.rand(1, 8, 8, 3), torch.ones(1, 8, 8, dtype=torch.bool), "cam")  # at the world's origin
    second = transform(first, invert(world_T_cam), "cam")
    seen = transform(second, world_T_cam, "world")
    both = PointMap(torch.cat([first.xyz, seen.xyz]), torch.cat([first.valid, seen.valid]), "world")
    codes = _codes(both, _trained(), grid=8)
    torch.testing.assert_close(codes[0], codes[1], atol=1e-3, rtol=0)  # rounding of the transform times 8 pi


def test_a_token_without_a_valid_point_gets_zero() -> None:
    valid = torch.ones(1, 4, 4, dtype=torch.bool)
    valid[0, 1, 2] = False
    code = _trained()(torch.rand(1, 4, 4, 3), valid)
    assert not code[0, 1, 2].any()
    assert code[0, 0, 0].any()


@pytest.mark.parametrize("oversample", [2, 4])
def test_oversampling_is_the_mean_of_the_valid_codes_of_a_cell(oversample: int) -> None:
    encoding = _trained(oversample=oversample)
    generator = torch.Generator().manual_seed(1)
    points = torch.rand(2, 4 * oversample, 4 * oversample, 3, generator=generator)
    valid = torch.rand(2, 4 * oversample, 4 * oversample, generator=generator) > 0.5
    fine = encoding.encode(points, valid).movedim(-1, 1)
    share = adaptive_avg_pool2d(valid[:, None].float(), 4).clamp_min(1e-6)
    expected = (adaptive_avg_pool2d(fine, 4) / share).movedim(1, -1)
    torch.testing.assert_close(encoding(points, valid), expected, atol=1e-5, rtol=1e-5)  # order of summation
