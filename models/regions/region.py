"""One thing pointed at, in one frame or many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from models.geometry import PointMap
from models.regions.box3d import box_masks


@dataclass(frozen=True)
class Region:
    """A region of a clip: frame index -> boolean mask at the resolution of the frames. Frames may be missing."""

    masks: Mapping[int, Bool[Tensor, "height width"]]
    name: str = ""

    def __post_init__(self) -> None:
        if not any(bool(mask.any()) for mask in self.masks.values()):
            raise ValueError(f"region {self.name or '(unnamed)'} is empty: no pixel is marked in any frame")

    @classmethod
    def from_mask(cls, mask: Bool[Tensor, "height width"], frame: int = 0, name: str = "") -> Region:
        """Point by a mask of one frame."""
        return cls({frame: mask}, name)

    @classmethod
    def from_box(cls, box: Sequence[int | float], height: int, width: int, frame: int = 0, name: str = "") -> Region:
        """Point by a box (x0, y0, x1, y1) in pixels: every pixel that it touches, cut at the border of the image."""
        x0, y0, x1, y1 = box
        if not (x0 < x1 and y0 < y1):
            raise ValueError(f"box {_numbers(box)} has no area: give x0,y0,x1,y1 with x0 < x1 and y0 < y1")
        if x1 <= 0 or y1 <= 0 or x0 >= width or y0 >= height:
            raise ValueError(
                f"box {_numbers(box)} lies outside the image of {width} x {height} pixels (width x height)"
            )
        v, u = torch.arange(height)[:, None], torch.arange(width)  # pixel u spans u to u + 1
        return cls({frame: (u < x1) & (u + 1 > x0) & (v < y1) & (v + 1 > y0)}, name)

    @classmethod
    def from_points(
        cls,
        points: Sequence[Sequence[int | float]],
        radius: int | float,
        height: int,
        width: int,
        frame: int = 0,
        name: str = "",
    ) -> Region:
        """Point by clicks (x, y) in pixels: all pixels within `radius` pixels of one, and the one under each."""
        mask = torch.zeros(height, width, dtype=torch.bool)
        v, u = torch.arange(height)[:, None] + 0.5, torch.arange(width) + 0.5
        for x, y in points:
            if not (0 <= x < width and 0 <= y < height):
                raise ValueError(f"point {_numbers((x, y))} lies outside the image of {width} x {height} pixels")
            mask |= (u - x) ** 2 + (v - y) ** 2 <= radius**2
            mask[int(y), int(x)] = True
        return cls({frame: mask}, name)

    @classmethod
    def from_box3d(
        cls,
        world_T_box: Float[Tensor, "4 4"],
        size: Sequence[int | float],
        intrinsics: Float[Tensor, "time 3 3"],
        world_T_cam: Float[Tensor, "time 4 4"],
        height: int,
        width: int,
        points: PointMap | None = None,
        name: str = "",
    ) -> Region:
        """Point by an oriented 3D box of full extents `size` (metres), in all frames that see it (see `box_masks`)."""
        masks = box_masks(world_T_box, size, intrinsics, world_T_cam, height, width, points)
        seen = masks.flatten(1).any(1).nonzero()[:, 0].tolist()
        if not seen:
            raise ValueError(
                f"3D box {name or '(unnamed)'} is in view in none of {len(masks)} frames, or hidden in all"
            )
        return cls({frame: masks[frame] for frame in seen}, name)


def _numbers(values: Sequence[int | float]) -> str:
    return ",".join(f"{value:g}" for value in values)
