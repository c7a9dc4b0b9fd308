"""Footage as it is shown to a model, where that differs from the clip."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from jaxtyping import Float, UInt8
from torch import Tensor

from models.geometry import PointMap


@dataclass(frozen=True, eq=False)
class ShownFootage:
    """A `Footage` of other pictures than its clip; `read_points` gives their points when they are needed."""

    video: UInt8[Tensor, "time 3 height width"]
    seconds: Float[Tensor, "time"]
    world_T_cam: Float[Tensor, "time 4 4"] | None
    metric: bool
    read_points: Callable[[], PointMap | None]

    def points(self) -> PointMap | None:
        """Read the points of the pictures."""
        return self.read_points()
