"""A question about regions of a clip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from jaxtyping import Float, UInt8
from torch import Tensor

from models.geometry import PointMap
from models.regions import Region


@runtime_checkable
class Footage(Protocol):
    """What an answer needs of a clip: frames, timestamps (seconds), and geometry where it is known."""

    @property
    def video(self) -> UInt8[Tensor, "time 3 height width"]:
        """Frames."""

    @property
    def seconds(self) -> Float[Tensor, "time"]:
        """Timestamps of the frames, in seconds."""

    @property
    def world_T_cam(self) -> Float[Tensor, "time 4 4"] | None:
        """Camera poses: OpenCV camera axes to a z-up world."""

    @property
    def metric(self) -> bool:
        """Whether points and poses are in metres; otherwise their scale is unknown."""

    def points(self) -> PointMap | None:
        """Points of the visible surfaces, in the world where poses are known."""


@dataclass(frozen=True)
class Query:
    """A question with `<region0>`, `<region1>`, ... about the regions of a clip."""

    clip: Footage
    regions: Sequence[Region]
    text: str
