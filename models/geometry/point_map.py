"""The point map: one 3D point a pixel, with a mask of the valid ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from models.geometry.cameras import pixel_centres
from models.geometry.rigid import transform_points

Frame = Literal["cam", "world", "canonical"]


@dataclass(frozen=True)
class PointMap:
    """A 3D point for every pixel.

    `xyz` is in metres in the frames `cam` (OpenCV axes: x right, y down, z forward) and `world` (z up), and without
    unit in `canonical`. It is exactly 0 where `valid` is False; reductions use valid pixels only.
    """

    xyz: Float[Tensor, "*batch height width 3"]
    valid: Bool[Tensor, "*batch height width"]
    frame: Frame

    def __post_init__(self) -> None:
        if self.xyz.shape[:-1] != self.valid.shape:
            raise ValueError(
                f"xyz {tuple(self.xyz.shape)} and valid {tuple(self.valid.shape)} do not cover the same pixels"
            )

    @classmethod
    def from_xyz(
        cls,
        xyz: Float[Tensor, "*batch height width 3"],
        frame: Frame,
        valid: Bool[Tensor, "*batch height width"] | None = None,
    ) -> PointMap:
        """Build a point map; points that are not finite, not `valid`, or in `cam` have z <= 0 become invalid.

        Point-map models mark sky by inf (MoGe), pad by NaN, or leave holes at 0.
        """
        known = torch.isfinite(xyz).all(-1)
        if frame == "cam":
            known = known & (xyz[..., 2] > 0)
        if valid is not None:
            known = known & valid
        return cls(torch.where(known[..., None], xyz, torch.zeros_like(xyz)), known, frame)

    def __getitem__(self, index: object) -> PointMap:
        """Select along the batch axes, as tensors do."""
        return PointMap(self.xyz[index], self.valid[index], self.frame)  # type: ignore[index]

    def to(self, device: torch.device | str) -> PointMap:
        """Move to a device."""
        return PointMap(self.xyz.to(device), self.valid.to(device), self.frame)


def valid_depth(depth: Float[Tensor, "*batch height width"]) -> Bool[Tensor, "*batch height width"]:
    """Mark the depths that are a measurement: zero, negative, NaN and infinite depth are not."""
    return torch.isfinite(depth) & (depth > 0)


def unproject(depth: Float[Tensor, "*batch height width"], intrinsics: Float[Tensor, "*#batch 3 3"]) -> PointMap:
    """Unproject a z-depth map (metres) to camera points: X = (u - cx) z / fx, Y = (v - cy) z / fy, Z = z.

    Pixel centres lie at .5 (the top-left pixel is (0.5, 0.5)). Invalid depth gives invalid points.
    Source: SR-3D (arXiv 2509.13317) section 3.1, back-projection.
    """
    valid = valid_depth(depth)
    z = torch.where(valid, depth, torch.zeros_like(depth)).float()
    u, v = pixel_centres(depth.shape[-2], depth.shape[-1], z).unbind(-1)
    fx, fy, cx, cy = (intrinsics[..., i, j, None, None].to(z) for i, j in ((0, 0), (1, 1), (0, 2), (1, 2)))
    return PointMap(torch.stack([(u - cx) / fx * z, (v - cy) / fy * z, z], -1), valid, "cam")


def transform(points: PointMap, a_T_b: Float[Tensor, "*#batch 4 4"], frame: Frame) -> PointMap:
    """Transform a point map from frame b to frame a by the rigid (or similarity) transform `a_T_b`; `frame` names a."""
    xyz = transform_points(points.xyz, a_T_b[..., None, None, :, :].to(points.xyz))
    return PointMap(torch.where(points.valid[..., None], xyz, torch.zeros_like(xyz)), points.valid, frame)
