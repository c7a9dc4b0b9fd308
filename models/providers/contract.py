"""What gives geometry to footage that has none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from einops import repeat
from jaxtyping import Float, UInt8
from torch import Tensor

from models.geometry import PointMap, default_intrinsics


@dataclass(frozen=True)
class GeometryEstimate:
    """Geometry of the frames of a clip.

    Attributes:
        points: Visible surfaces in the frame `cam`, frame by frame.
        intrinsics: The pinhole that belongs to them (pixels, centres at .5).
        metric: Whether lengths are in metres. If not, they have an unknown scale: one for the clip where poses join
            its frames, else one for each frame.
        world_T_cam: Camera poses (OpenCV camera axes) in any world, in the unit of the points; None if unknown.
        confidence: How far each point can be trusted, on the provider's own scale, the larger the better; None if
            unknown.
    """

    points: PointMap
    intrinsics: Float[Tensor, "time 3 3"]
    metric: bool
    world_T_cam: Float[Tensor, "time 4 4"] | None = None
    confidence: Float[Tensor, "time height width"] | None = None


@runtime_checkable
class GeometryProvider(Protocol):
    """Anything that estimates the geometry of frames, on the device of the video.

    Known `intrinsics` and `depth` (z-depth, 0 where unknown) are used where the method allows it; otherwise the
    estimate carries its own.
    """

    @property
    def joins_frames(self) -> bool:
        """Whether it can give poses, which join the frames of a clip in one space."""

    def __call__(
        self,
        video: UInt8[Tensor, "time 3 height width"],
        intrinsics: Float[Tensor, "time 3 3"] | None = None,
        depth: Float[Tensor, "time height width"] | None = None,
    ) -> GeometryEstimate:
        """Estimate the geometry of the visible surfaces, and the camera poses if the method can."""


def assumed_intrinsics(
    video: UInt8[Tensor, "time 3 height width"], intrinsics: Float[Tensor, "time 3 3"] | None
) -> Float[Tensor, "time 3 3"]:
    """Take the given intrinsics, else assume a centred pinhole of 60 degrees (sr3d.md 2.2), for every frame."""
    if intrinsics is not None:
        return intrinsics
    assumed = default_intrinsics(video.shape[2], video.shape[3]).to(video.device)
    per_frame: Tensor = repeat(assumed, "row col -> time row col", time=len(video))
    return per_frame
