"""What finds the things that a phrase names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from jaxtyping import UInt8
from torch import Tensor

from models.regions import Box


@dataclass(frozen=True)
class Detection:
    """A thing in a picture: its box (x0, y0, x1, y1; pixels), and the detector's score."""

    box: Box
    score: float


@runtime_checkable
class Detector(Protocol):
    """Anything that finds what a phrase names in a picture."""

    def __call__(self, image: UInt8[Tensor, "3 height width"], phrase: str) -> Sequence[Detection]:
        """Find all things that the phrase names, those with the highest score first."""
        ...


def clipped(box: Sequence[float], height: int, width: int) -> Box | None:
    """Clip a box to the picture; None where less than a pixel is left along a side."""
    x0, y0, x1, y1 = (
        min(max(float(value), 0.0), float(limit)) for value, limit in zip(box, (width, height) * 2, strict=True)
    )
    return (x0, y0, x1, y1) if x1 - x0 >= 1 and y1 - y0 >= 1 else None
