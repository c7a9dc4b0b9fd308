"""A region of a clip: something marked in one frame or several."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from models.geometry import PointMap
from models.regions.box3d import box_masks

TINY = 32  # pixels: shorter side of an image whose first pixel is worth pointing at


class OutOfView(ValueError):
    """No frame shows a 3D box."""


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
            ValueError: a number is not finite, the box has no area or lies outside of the image, or all numbers are
                from 0 to 1, as shares of the image are.
        """
        x0, y0, x1, y1 = box
        _refuse_not_finite("box", box)
        if not (x0 < x1 and y0 < y1):
            raise ValueError(f"box {_numbers(box)} has no area: give x0,y0,x1,y1 with x0 < x1 and y0 < y1")
        _refuse_shares("box", box, height, width)
        if x1 <= 0 or y1 <= 0 or x0 >= width or y0 >= height:
            raise ValueError(
                f"box {_numbers(box)} lies outside the image of {width} x {height} pixels (width x height)"
            )
        mask = torch.zeros(height, width, dtype=torch.bool)  # pixel u spans u to u + 1
        top, left = max(0, math.floor(y0)), max(0, math.floor(x0))
        mask[top : min(height, math.ceil(y1)), left : min(width, math.ceil(x1))] = True
        return cls({frame: mask}, name)

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
            ValueError: a point lies outside of the image or looks like shares of it, or the radius is negative or not
                finite.
        """
        if not (math.isfinite(radius) and radius >= 0):
            raise ValueError(f"a radius of {radius:g} pixels marks nothing: give 0 or more")
        mask = torch.zeros(height, width, dtype=torch.bool)
        for x, y in points:
            if not (0 <= x < width and 0 <= y < height):
                raise ValueError(f"point {_numbers((x, y))} lies outside the image of {width} x {height} pixels")
            _refuse_shares("point", (x, y), height, width)
            top, left = max(0, math.floor(y - radius)), max(0, math.floor(x - radius))
            disc = mask[top : min(height, math.ceil(y + radius)), left : min(width, math.ceil(x + radius))]
            v = torch.arange(top, top + disc.shape[0])[:, None] + 0.5
            u = torch.arange(left, left + disc.shape[1]) + 0.5
            disc |= (u - x) ** 2 + (v - y) ** 2 <= radius**2
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
            OutOfView: no frame shows the box.
        """
        masks = box_masks(world_T_box, size, intrinsics, world_T_cam, height, width, points)
        frames = masks.flatten(1).any(1).nonzero()[:, 0].tolist()
        if not frames:
            raise OutOfView(
                f"3D box {name or '(unnamed)'} is out of view or occluded in every frame ({len(masks)}): check it"
            )
        return cls({frame: masks[frame] for frame in frames}, name)


def _refuse_not_finite(what: str, numbers: Sequence[int | float]) -> None:
    if not all(map(math.isfinite, numbers)):
        raise ValueError(f"{what} {_numbers(numbers)} is not finite: give pixels")


def _refuse_shares(what: str, numbers: Sequence[int | float], height: int, width: int) -> None:
    """Raise ValueError for numbers from 0 to 1, which would mark the first pixel.

    A box of whole numbers and a point may do so in a tiny image; a point may be at whole numbers in any.
    """
    if not all(0 <= number <= 1 for number in numbers):
        return
    whole, tiny = all(number == int(number) for number in numbers), min(height, width) <= TINY
    if (whole and tiny) if what == "box" else (whole or tiny):
        return
    raise ValueError(
        f"{what} {_numbers(numbers)} looks like shares of the image (0 to 1), but pixels are needed: multiply x by its "
        f"width, {width}, and y by its height, {height}"
    )


def _numbers(values: Sequence[int | float]) -> str:
    return ",".join(f"{value:g}" for value in values)
