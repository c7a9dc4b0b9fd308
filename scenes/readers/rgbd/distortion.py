"""Lens distortion: where the pixels of an undistorted picture lie in the picture that the lens made."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from models.geometry import pixel_centres


@dataclass(frozen=True)
class Distortion:
    """Coefficients of OpenCV's models.

    `fisheye`: radial = (k1, ..., k4) of the equidistant model. Otherwise radial = (k1, ..., k6), of which the last
    three are those of the denominator, and tangential = (p1, p2). Coefficients at the end may be left out.
    """

    radial: tuple[float, ...] = ()
    tangential: tuple[float, float] = (0.0, 0.0)
    fisheye: bool = False

    def __bool__(self) -> bool:
        return self.fisheye or any(self.radial) or any(self.tangential)

    def distort(self, xy: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch 2"]:
        """Distort points of the image plane at z = 1.

        Perspective: x (1 + k1 r^2 + k2 r^4 + k3 r^6) / (1 + k4 r^2 + k5 r^4 + k6 r^6) + tangential part, with r = |x|.
        Fisheye: x theta (1 + k1 theta^2 + ... + k4 theta^8) / r, with theta = atan r.
        """
        square = (xy * xy).sum(-1, keepdim=True)
        if self.fisheye:
            r = square.sqrt().clamp_min(1e-9)
            theta = r.atan()
            return xy * (theta / r) * _polynomial(theta * theta, self.radial)
        radial = _polynomial(square, self.radial[:3]) / _polynomial(square, self.radial[3:])
        p1, p2 = self.tangential
        cross = 2 * xy[..., :1] * xy[..., 1:]
        x = p1 * cross + p2 * (square + 2 * xy[..., :1] ** 2)
        y = p2 * cross + p1 * (square + 2 * xy[..., 1:] ** 2)
        return xy * radial + torch.cat([x, y], -1)


def distorted_pixels(
    distortion: Distortion | None, intrinsics: Float[Tensor, "3 3"], height: int, width: int
) -> Float[Tensor, "height width 2"]:
    """Find where the lens put what an ideal pinhole of the same intrinsics sees at each pixel (u, v; centres at .5)."""
    pixels = pixel_centres(height, width, intrinsics)
    if not distortion:
        return pixels
    focal, centre = intrinsics.diagonal()[:2], intrinsics[:2, 2]
    return distortion.distort((pixels - centre) / focal) * focal + centre


def _polynomial(x: Tensor, coefficients: tuple[float, ...]) -> Tensor:
    """1 + c1 x + c2 x^2 + ..."""
    total = torch.zeros_like(x)
    for coefficient in reversed(coefficients):
        total = (total + coefficient) * x
    return 1 + total
