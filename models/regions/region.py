"""A region of a clip: something marked in one frame or several."""

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
    """A region of a clip: boolean masks at the resolution of the frames, by frame index; frames may be missing.

    Raises:
        ValueError: no pixel is marked in any frame.
    """

    masks: Mapping[int, Bool[Tensor, "height width"]]
    name: str = ""

    def __post_init__(self) -> None:
        if not any(bool(mask.any()) for mask in self.masks.values()):
            raise ValueError(f"region {self.name or '(unnamed)'} is empty in every frame: mark at least one pixel")

    @classmethod
    def from_mask(cls, mask: Bool[Tensor, "height width"], frame: int = 0, name: str = "") -> Region:
        """Mark a region by a mask of one frame."""
        return cls({frame: mask}, name)

    @classmethod
    def from_box(cls, box: Sequence[int | float], height: int, width: int, frame: int = 0, name: str = "") -> Region:
        """Mark the pixels that a box (x0, y0, x1, y1; pixels) touches, clipped to the image.

        Raises:
            ValueError: the box has no area, or lies outside the image.
        """
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
        """Mark the pixels within `radius` pixels of a point (x, y; pixels), and always the pixel under each point.

        Raises:
            ValueError: a point lies outside the image.
        """
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
        """Mark an oriented 3D box of full extents `size` (metres) in all frames that show it (see `box_masks`).

        Raises:
            ValueError: the box is visible in no frame.
        """
        masks = box_masks(world_T_box, size, intrinsics, world_T_cam, height, width, points)
        frames = masks.flatten(1).any(1).nonzero()[:, 0].tolist()
        if not frames:
            raise ValueError(
                f"3D box {name or '(unnamed)'} is out of view or occluded in every frame ({len(masks)}): check it"
            )
        return cls({frame: masks[frame] for frame in frames}, name)


def _numbers(values: Sequence[int | float]) -> str:
    return ",".join(f"{value:g}" for value in values)
