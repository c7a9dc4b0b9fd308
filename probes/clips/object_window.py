"""Which frames and which part of an object's video to take, so that the object stays in the picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Int64, Shaped
from torch import Tensor

Box = tuple[int, int, int, int]  # left, top, right, bottom of the edges, in pixels: width is right - left

WIDE = 16 / 9
ROUNDING = 1e-6  # pixels: so that 18 x 16/9 is 32, not a little more
BORDER = 0.5  # of the size of the object's box, half of it on each side


class Unsuitable(ValueError):
    """A video that the preparation leaves out, and why."""


@dataclass(frozen=True)
class ObjectWindow:
    """Consecutive frames, one crop for all of them, and the share of the object's boxes that lies outside of it."""

    start: int
    count: int
    crop: Box
    truncated: float

    def upsampling(self, size: tuple[int, int]) -> float:
        """Tell by how much the crop is enlarged (above 1) to become `size` (height, width): the worse side."""
        left, top, right, bottom = self.crop
        return max(size[0] / (bottom - top), size[1] / (right - left))


def object_box(mask: Shaped[Tensor, "height width"]) -> Box | None:
    """Find the tight box of what is not 0 in a mask; None where all of it is.

    The published preparation counts every trace of a soft mask as object.
    """
    rows, cols = ((mask != 0).any(axis).nonzero()[:, 0] for axis in (1, 0))
    if not len(rows):
        return None
    return int(cols[0]), int(rows[0]), int(cols[-1]) + 1, int(rows[-1]) + 1


def choose_window(
    boxes: Sequence[Box | None], size: tuple[int, int], count: int = 81, step: int = 4, aspect: float = WIDE
) -> ObjectWindow:
    """Choose, of all windows of `count` frames that start at a multiple of `step`, the one that truncates least.

    The crop of a window holds the union of its boxes with half of its width and height as border, is centred on the
    image so that the principal point stays in the middle, has the width-to-height ratio `aspect`, and is shrunk to fit
    the image. A window in which a mask is empty is left out; of equal windows, the first is taken.
    Source: the published preparation, specs/vidfm3d.md section 3.3.

    Args:
        boxes: of the object in each frame.
        size: (height, width) of the frames.
        count: frames of a window.
        step: between starts.
        aspect: of the crop.

    Raises:
        Unsuitable: the video is too short, or no window has the object in every frame.
    """
    if len(boxes) < count:
        raise Unsuitable(f"it has {len(boxes)} frames, a window takes {count}")
    found = []
    for start in range(0, len(boxes) - count + 1, step):
        there = [box for box in boxes[start : start + count] if box is not None]
        if len(there) == count:
            inside = torch.tensor(there)
            crop = centred_crop(union_with_border(inside, size), size, aspect)
            found.append(ObjectWindow(start, count, crop, truncation(inside, crop)))
    if not found:
        raise Unsuitable(f"no window of {count} frames has the object in every frame")
    return min(found, key=lambda window: window.truncated)


def union_with_border(boxes: Int64[Tensor, "time 4"], size: tuple[int, int], border: float = BORDER) -> Box:
    """Find the union of boxes, cast_to by `border` of its own width and height, within the image."""
    (left, top), (right, bottom) = boxes[:, :2].amin(0).tolist(), boxes[:, 2:].amax(0).tolist()
    wide, high = round(border * (right - left) / 2), round(border * (bottom - top) / 2)
    return max(0, left - wide), max(0, top - high), min(size[1], right + wide), min(size[0], bottom + high)


def centred_crop(box: Box, size: tuple[int, int], aspect: float = WIDE) -> Box:
    """Find the smallest crop around the centre of the image that holds a box; where it would not fit, the largest.

    It is centred to half a pixel, and its ratio is `aspect` as exactly as whole pixels allow.
    """
    height, width = size
    left, top, right, bottom = box
    wide = max(width - 2 * left, 2 * right - width)
    high = max(height - 2 * top, 2 * bottom - height)
    fits = min(width, math.floor(height * aspect + ROUNDING))
    crop_width = min(math.ceil(max(wide, high * aspect) - ROUNDING), fits)
    crop_height = min(round(crop_width / aspect), height)
    x, y = (width - crop_width) // 2, (height - crop_height) // 2
    return x, y, x + crop_width, y + crop_height


def truncation(boxes: Int64[Tensor, "time 4"], crop: Box) -> float:
    """Measure the share of the area of boxes, over all frames together, that lies outside of a crop."""
    low, high = torch.tensor(crop[:2]), torch.tensor(crop[2:])
    area = (boxes[:, 2:] - boxes[:, :2]).prod(1).sum()
    kept = (boxes[:, 2:].minimum(high) - boxes[:, :2].maximum(low)).clamp_min(0).prod(1).sum()
    return float(1 - kept / area)
