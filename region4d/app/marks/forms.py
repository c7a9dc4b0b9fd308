"""The marks of a canvas, in pixels of the clip: the top-left corner of a frame is (0, 0)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Bool
from torch import Tensor

from models.regions import Region
from region4d.app.marks.strokes import stroke_mask
from region4d.footage.marks import RADIUS, Kind
from scenes.readers.masks.coco import draw_segmentation

MOST_REGIONS = 10


@dataclass(frozen=True)
class CanvasMark:
    """A mark of `<region region>` in a frame. `kind` is the flag of `ask` that draws the same."""

    region: int
    frame: int
    kind: ClassVar[Kind]

    def mask(self, height: int, width: int) -> Bool[Tensor, "height width"] | None:
        """Mark its pixels; None for a click, which is the prompt of a segmenter.

        Raises:
            ValueError: it lies outside of the frame.
        """
        raise NotImplementedError

    def shape(self) -> dict[str, Any]:
        """Write what is drawn, as its entries in JSON."""
        raise NotImplementedError


@dataclass(frozen=True)
class BoxMark(CanvasMark):
    """A box."""

    x0: float
    y0: float
    x1: float
    y1: float
    kind = "region"

    def mask(self, height: int, width: int) -> Bool[Tensor, "height width"]:
        """Mark the pixels that the box touches."""
        return Region.from_box((self.x0, self.y0, self.x1, self.y1), height, width).masks[0]

    def shape(self) -> dict[str, Any]:
        """Write its corners."""
        return {"box": [self.x0, self.y0, self.x1, self.y1]}


@dataclass(frozen=True)
class PointMark(CanvasMark):
    """A disc around a point; its radius is 2 % of the shorter side of the frame."""

    x: float
    y: float
    kind = "point"

    def mask(self, height: int, width: int) -> Bool[Tensor, "height width"]:
        """Mark the disc."""
        return Region.from_points([(self.x, self.y)], RADIUS * min(height, width), height, width).masks[0]

    def shape(self) -> dict[str, Any]:
        """Write its centre."""
        return {"point": [self.x, self.y]}


@dataclass(frozen=True)
class StrokeMark(CanvasMark):
    """A stroke of a brush along points (x, y); with `erase`, of an eraser."""

    points: tuple[tuple[float, float], ...]
    radius: float
    erase: bool = False
    kind = "mask"

    def mask(self, height: int, width: int) -> Bool[Tensor, "height width"]:
        """Mark what the brush touches inside the frame."""
        return stroke_mask(self.points, self.radius, height, width)

    def shape(self) -> dict[str, Any]:
        """Write its path."""
        shape: dict[str, Any] = {"stroke": [list(point) for point in self.points], "radius": self.radius}
        return shape | {"erase": True} if self.erase else shape


@dataclass(frozen=True)
class MaskMark(CanvasMark):
    """A mask as run lengths of COCO: pixels outside, inside, outside, ..., column by column."""

    runs: tuple[int, ...]
    kind = "mask"

    @classmethod
    def of(cls, region: int, frame: int, mask: Bool[Tensor, "height width"]) -> MaskMark:
        """Encode a mask."""
        flat = rearrange(mask, "h w -> (w h)").numpy()
        ends = np.flatnonzero(np.diff(flat)) + 1
        runs = np.diff(np.concatenate([[0], ends, [len(flat)]])).tolist()
        return cls(region, frame, tuple([0, *runs] if flat[0] else runs))

    def mask(self, height: int, width: int) -> Bool[Tensor, "height width"]:
        """Decode the mask."""
        if sum(self.runs) != height * width:
            raise ValueError(
                f"a mask of {sum(self.runs)} pixels does not fit a frame of {width} x {height}; encode it in its size"
            )
        return torch.from_numpy(draw_segmentation({"counts": list(self.runs)}, height, width))

    def shape(self) -> dict[str, Any]:
        """Write its runs."""
        return {"mask": list(self.runs)}


@dataclass(frozen=True)
class ClickMark(CanvasMark):
    """A click on an object, or beside it (`inside` is False), of which a segmenter makes a `MaskMark`."""

    x: float
    y: float
    inside: bool = True
    kind = "click"

    def mask(self, height: int, width: int) -> None:
        """Mark nothing by itself."""
        return

    def shape(self) -> dict[str, Any]:
        """Write its place."""
        shape: dict[str, Any] = {"click": [self.x, self.y]}
        return shape if self.inside else shape | {"inside": False}
