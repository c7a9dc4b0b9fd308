"""The window of frames and the crop of an object's video in which the object stays in the picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Int64, Shaped
from torch import Tensor

Box = tuple[int, int, int, int]  # left, top, right, bottom of the edges, in pixels: width is right - left

WIDE = 16 / 9
ROUNDING = 1e-6  # pixels: 18 x 16/9 is 32, not a little more
BORDER = 0.5  # share of the size of the object's box, half of it on each side


class Unsuitable(ValueError):
    """A video that the preparation rejects, and why."""


@dataclass(frozen=True)
class ObjectWindow:
    """Consecutive frames, their common crop, and the share of the object's boxes that lies outside of it."""

    start: int
    count: int
    crop: Box
    truncated: float

    def upsampling(self, size: tuple[int, int]) -> float:
        """Compute the enlargement factor from the crop to `size` (height, width), of the side that grows more."""
        left, top, right, bottom = self.crop
        return max(size[0] / (bottom - top), size[1] / (right - left))


def object_box(mask: Shaped[Tensor, "height width"]) -> Box | None:
    """Find the tight box of the non-zero pixels of a mask; None if there are none.

    As in the published preparation, every non-zero value of a soft mask counts as object.
    """
    rows, cols = ((mask != 0).any(axis).nonzero()[:, 0] for axis in (1, 0))
    if not len(rows):
        return None
    return int(cols[0]), int(rows[0]), int(cols[-1]) + 1, int(rows[-1]) + 1


def choose_window(
    boxes: Sequence[Box | None], size: tuple[int, int], count: int = 81, step: int = 4, aspect: float = WIDE
) -> ObjectWindow:
    """Choose the window that truncates the object least, of all windows that start at a multiple of `step`.

    The crop of a window contains the union of its boxes with half of its width and height as border, is centred on the
    image so that the principal point stays in the middle, has the width-to-height ratio `aspect`, and is shrunk to fit
    the image. Windows with an empty mask are skipped; of equal windows, the first is chosen.
    Source: the published preparation, specs/vidfm3d.md section 3.3.

    Args:
        boxes: box of the object in each frame.
        size: (height, width) of the frames.
        count: frames of a window.
        step: frames between the starts of windows.
        aspect: width-to-height ratio of the crop.

    Raises:
        Unsuitable: If the video is too short, or no window has the object in every frame.
    """
    if len(boxes) < count:
        raise Unsuitable(f"it has {len(boxes)} frames, a window takes {count}")
    windows = []
    for start in range(0, len(boxes) - count + 1, step):
        present = [box for box in boxes[start : start + count] if box is not None]
        if len(present) == count:
            window_boxes = torch.tensor(present)
            crop = centred_crop(union_with_border(window_boxes, size), size, aspect)
            windows.append(ObjectWindow(start, count, crop, truncation(window_boxes, crop)))
    if not windows:
        raise Unsuitable(f"no window of {count} frames has the object in every frame")
    return min(windows, key=lambda window: window.truncated)


def union_with_border(boxes: Int64[Tensor, "time 4"], size: tuple[int, int], border: float = BORDER) -> Box:
    """Find the union of boxes, enlarged by `border` of its own width and height and clipped to the image."""
    (left, top), (right, bottom) = boxes[:, :2].amin(0).tolist(), boxes[:, 2:].amax(0).tolist()
    wide, high = round(border * (right - left) / 2), round(border * (bottom - top) / 2)
    return max(0, left - wide), max(0, top - high), min(size[1], right + wide), min(size[0], bottom + high)


def centred_crop(box: Box, size: tuple[int, int], aspect: float = WIDE) -> Box:
    """Find the smallest crop around the centre of the image that contains a box, or the largest one that fits.

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
    """Compute the share of the boxes' total area, over all frames, that lies outside of a crop."""
    low, high = torch.tensor(crop[:2]), torch.tensor(crop[2:])
    area = (boxes[:, 2:] - boxes[:, :2]).prod(1).sum()
    kept = (boxes[:, 2:].minimum(high) - boxes[:, :2].maximum(low)).clamp_min(0).prod(1).sum()
    return float(1 - kept / area)
