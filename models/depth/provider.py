"""What gives geometry to footage that has none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from einops import repeat
from jaxtyping import Float, UInt8
from torch import Tensor

from models.geometry import PointMap, default_intrinsics


@dataclass(frozen=True)
class DepthEstimate:
    """A point map in the frame `cam`, frame by frame, and the pinhole that belongs to it."""

    points: PointMap
    intrinsics: Float[Tensor, "time 3 3"]


@runtime_checkable
class DepthProvider(Protocol):
    """Anything that estimates the points seen in each frame, on the device of the video.

    Known `intrinsics` are used where the method allows it; else the estimate carries its own. Whether the points are in
    metres, and whether scale agrees between frames, is for the provider to say. A point-map model (MoGe) fits as well:
    its points, its mask as `valid`, its intrinsics in pixels.
    """

    def __call__(
        self, video: UInt8[Tensor, "time 3 height width"], intrinsics: Float[Tensor, "time 3 3"] | None = None
    ) -> DepthEstimate:
        """Estimate points of the visible surfaces."""


def assumed_intrinsics(
    video: UInt8[Tensor, "time 3 height width"], intrinsics: Float[Tensor, "time 3 3"] | None
) -> Float[Tensor, "time 3 3"]:
    """Take the given intrinsics, else assume a centred pinhole of 60 degrees (sr3d.md 2.2), for every frame."""
    if intrinsics is not None:
        return intrinsics
    assumed = default_intrinsics(video.shape[2], video.shape[3]).to(video.device)
    per_frame: Tensor = repeat(assumed, "row col -> time row col", time=len(video))
    return per_frame
