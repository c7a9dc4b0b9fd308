"""Clips: frames with their times and their known geometry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from models.geometry import PointMap, transform, unproject


@dataclass(frozen=True)
class ObjectTruth:
    """Ground truth of one object. `size` is the full extent (metres) of its box, centred at the object's origin."""

    family: str
    colour: str
    size: tuple[float, float, float]
    motion: str = "rest"  # rest, straight, accelerated, circular, spinning, stop_and_go
    path_length: float = 0.0  # metres travelled from the first to the last frame
    turn: float = 0.0  # radians turned from first to last frame, counter-clockwise from above; not wrapped


@dataclass(frozen=True)
class Truth:
    """Exact truth of a procedural world. Object k is the pixels where `instances == k + 1`; 0 is the room."""

    objects: tuple[ObjectTruth, ...]
    world_T_obj: Float[Tensor, "time object 4 4"]
    instances: UInt8[Tensor, "time height width"]
    speed: Float[Tensor, "time object"] | None = None  # m/s, at the moment of the frame
    normals: Float[Tensor, "time 3 height width"] | None = None  # world frame, unit length
    backward_flow: Float[Tensor, "time 2 height width"] | None = None  # pixels, frame t to frame t - 1
    backward_valid: Bool[Tensor, "time height width"] | None = None  # visible in frame t - 1 too
    forward_flow: Float[Tensor, "time 2 height width"] | None = None  # pixels, frame t to frame t + 1
    forward_valid: Bool[Tensor, "time height width"] | None = None
    moving: Bool[Tensor, "time height width"] | None = None  # the surface moves in the world, not in the image


@dataclass(frozen=True)
class Clip:
    """Frames with real timestamps, and their geometry where it is known.

    `seconds` are timestamps, not indices. `depth` is z-depth, 0 where unknown. `intrinsics` are in pixels of this
    video's resolution. `world_T_cam` takes OpenCV camera coordinates to a z-up world. Depth and poses are in metres;
    where `metric` is False their scale is unknown: one scale for the clip if it has poses, else one for each frame.
    `confidence` is that of the depth, on the scale of its provider.
    `frame_names` tell where in their source the frames come from: the stems of picture files, or the numbers of frames;
    empty if unknown.
    `full_size` is (height, width) of frames that were read smaller than they are in their file, else None.
    """

    video: UInt8[Tensor, "time 3 height width"]
    seconds: Float[Tensor, "time"]
    depth: Float[Tensor, "time height width"] | None = None
    intrinsics: Float[Tensor, "time 3 3"] | None = None
    world_T_cam: Float[Tensor, "time 4 4"] | None = None
    truth: Truth | None = None
    name: str = ""
    metric: bool = True
    confidence: Float[Tensor, "time height width"] | None = None
    frame_names: tuple[str, ...] = ()
    full_size: tuple[int, int] | None = None

    def __len__(self) -> int:
        return self.video.shape[0]

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self.video.shape[-2], self.video.shape[-1]

    def frames(self, index: Sequence[int]) -> Clip:
        """Select frames; flow of the truth refers to neighbours in the original clip and is dropped."""
        pick = torch.as_tensor(list(index))

        def select(x: Tensor | None) -> Tensor | None:
            return None if x is None else x[pick]

        truth = self.truth and replace(
            self.truth,
            world_T_obj=self.truth.world_T_obj[pick],
            instances=self.truth.instances[pick],
            speed=select(self.truth.speed),
            normals=select(self.truth.normals),
            moving=select(self.truth.moving),
            backward_flow=None,
            backward_valid=None,
            forward_flow=None,
            forward_valid=None,
        )
        return replace(
            self,
            video=self.video[pick],
            seconds=self.seconds[pick],
            depth=select(self.depth),
            intrinsics=select(self.intrinsics),
            world_T_cam=select(self.world_T_cam),
            truth=truth,
            confidence=select(self.confidence),
            frame_names=tuple(self.frame_names[i] for i in pick.tolist()) if self.frame_names else (),
        )

    def points(self) -> PointMap | None:
        """Unproject the depth: in the world where poses are known, else in the camera; None without depth."""
        if self.depth is None or self.intrinsics is None:
            return None
        points = unproject(self.depth, self.intrinsics)
        return points if self.world_T_cam is None else transform(points, self.world_T_cam, "world")


def uniform_frames(length: int, count: int) -> list[int]:
    """Choose `count` frame indices uniformly from first to last (all of them where the clip is shorter)."""
    return [round(i) for i in torch.linspace(0, length - 1, min(count, length)).tolist()]


def sample_frames(clip: Clip, count: int) -> Clip:
    """Sample frames uniformly from first to last; timestamps stay those of the frames (SR-3D section 3.2)."""
    return clip.frames(uniform_frames(len(clip), count))
