"""Boxes of pictures."""

from __future__ import annotations

from jaxtyping import Bool
from torch import Tensor

Box = tuple[float, float, float, float]  # x0, y0, x1, y1 in pixels; pixel u spans u to u + 1


def tight_box(mask: Bool[Tensor, "height width"]) -> Box:
    """Find the smallest box of a mask that is not empty; its sides are whole numbers."""
    rows, columns = mask.any(1).nonzero()[:, 0], mask.any(0).nonzero()[:, 0]
    return float(columns[0]), float(rows[0]), float(columns[-1]) + 1, float(rows[-1]) + 1
