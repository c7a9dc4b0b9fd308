from __future__ import annotations

import math

import pytest
import torch

from scenes.readers.rgbd.distortion import Distortion, distorted_pixels


def test_the_rational_model_is_opencvs() -> None:
    x, y = 0.3, -0.2
    k1, k2, k3, k4, k5, k6, p1, p2 = 0.1, -0.05, 0.02, 0.03, 0.01, -0.02, 0.004, -0.003
    r2 = x * x + y * y
    radial = (1 + k1 * r2 + k2 * r2**2 + k3 * r2**3) / (1 + k4 * r2 + k5 * r2**2 + k6 * r2**3)
    expected = [
        x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x),
        y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y,
    ]
    distortion = Distortion((k1, k2, k3, k4, k5, k6), (p1, p2))
    assert distortion.distort(torch.tensor([x, y])).tolist() == pytest.approx(expected, abs=1e-6)


def test_a_fisheye_puts_45_degrees_at_their_arc() -> None:
    """Equidistant: r = theta (1 + k1 theta^2); at x = 1 the angle is 45 degrees."""
    theta = math.pi / 4
    got = Distortion((0.1,), fisheye=True).distort(torch.tensor([[1.0, 0], [0, 0]]))
    assert got[0].tolist() == pytest.approx([theta * (1 + 0.1 * theta**2), 0], abs=1e-6)
    assert got[1].tolist() == [0, 0]


def test_no_distortion_leaves_pixels_where_they_are() -> None:
    intrinsics = torch.tensor([[50.0, 0, 32], [0, 50, 24], [0, 0, 1]])
    pixels = distorted_pixels(None, intrinsics, 48, 64)
    assert pixels[0, 0].tolist() == [0.5, 0.5]
    assert not Distortion((0.0, 0.0), (0.0, 0.0))
    assert Distortion((), fisheye=True)  # the plain equidistant lens
