"""Validation of clips that were read from files."""

from __future__ import annotations

from pathlib import Path

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from scenes.clip import Clip

_RIGID_TOLERANCE = 1e-2  # logs are often printed with few digits; an inverted axis or a scale is off by 1
_SHORTEST_FOCAL = 0.04  # of the longer side of a picture: 170 degrees of view, which no pinhole has


def check_clip(clip: Clip, place: str | Path | None = None) -> Clip:
    """Validate a clip and return it unchanged; errors say `place`, where it was read, instead of its name.

    Raises:
        ValueError: sizes disagree, times do not increase, depth or confidence is negative or not finite, intrinsics or
            poses are not finite, a focal length cannot be in pixels, or a pose is not rigid. The message names the clip
            and the first invalid frame.
    """
    name = f"clip {clip.name}" if clip.name else "clip"
    name = name if place is None else str(place)
    _check_shapes(clip, name)
    _check(torch.isfinite(clip.seconds), f"{name}: time is not finite")
    _check(clip.seconds.diff() > 0, f"{name}: times must increase from each frame to the next")
    if clip.depth is not None:
        known = torch.isfinite(clip.depth) & (clip.depth >= 0)
        _check(known.flatten(1).all(1), f"{name}: depth is NaN, infinite or negative (write 0 where it is unknown)")
    if clip.confidence is not None:
        known = torch.isfinite(clip.confidence) & (clip.confidence >= 0)
        _check(known.flatten(1).all(1), f"{name}: confidence is NaN, infinite or negative")
    if clip.intrinsics is not None:
        finite = torch.isfinite(clip.intrinsics).flatten(1).all(1)
        _check(finite, f"{name}: intrinsics are not finite")
        _check(clip.intrinsics.diagonal(dim1=1, dim2=2).gt(0).all(1), f"{name}: focal lengths must be positive")
        check_focal(clip.intrinsics, clip.size, name)
    if clip.world_T_cam is not None:
        check_poses(clip.world_T_cam, name)
    return clip


def check_poses(world_T_cam: Float[Tensor, "time 4 4"], name: str) -> None:
    """Validate poses.

    Raises:
        ValueError: a pose is not finite or not rigid; the message begins with `name`.
    """
    _check(torch.isfinite(world_T_cam).flatten(1).all(1), f"{name}: pose is not finite")
    rotation = world_T_cam[:, :3, :3]
    off = (rotation @ rotation.mT - torch.eye(3).to(rotation)).abs().flatten(1).amax(1)
    _check((off < _RIGID_TOLERANCE) & (rotation.det() > 0), f"{name}: pose is not rigid")


def check_focal(intrinsics: Float[Tensor, "*batch 3 3"], size: tuple[int, int], name: str) -> None:
    """Check that focal lengths can be in pixels of pictures of `size` (height, width).

    Raises:
        ValueError: one gives more than 170 degrees of view; the message begins with `name`.
    """
    focal = float(intrinsics[..., :2, :2].diagonal(dim1=-2, dim2=-1).min())
    if focal < _SHORTEST_FOCAL * max(size):
        raise ValueError(
            f"{name}: a focal length of {focal:.3g} pixels gives {size[1]}x{size[0]} pictures over 170 degrees of "
            "view; intrinsics that are shares of the picture must be multiplied by its width and height"
        )


def _check_shapes(clip: Clip, name: str) -> None:
    time, size = len(clip), clip.size
    if time == 0:
        raise ValueError(f"{name} has no frames")
    parts = {
        "seconds": (time,),
        "depth": (time, *size),
        "intrinsics": (time, 3, 3),
        "world_T_cam": (time, 4, 4),
        "confidence": (time, *size),
    }
    for part, need in parts.items():
        array = getattr(clip, part)
        if array is not None and tuple(array.shape) != need:
            raise ValueError(f"{name}: {part} has shape {tuple(array.shape)}, expected {need} for {time} frames")


def _check(valid: Bool[Tensor, "frame"], message: str) -> None:
    if not valid.all():
        raise ValueError(f"{message} (frame {int((~valid).nonzero()[0])})")
