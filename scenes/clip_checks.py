"""Checking clips that come from files: the border where wrong numbers are refused."""

from __future__ import annotations

import torch
from jaxtyping import Bool
from torch import Tensor

from scenes.clip import Clip

_RIGID_TOLERANCE = 1e-2  # logs are often printed with few digits; an inverted axis or a scale is off by 1


def check_clip(clip: Clip) -> Clip:
    """Return the clip as it is, if its numbers can be used.

    Raises:
        ValueError: sizes disagree, times do not increase, depth is negative or not finite, intrinsics or poses are
            not finite, or a pose is not rigid. Names the clip and the first wrong frame.
    """
    name = f"clip {clip.name}" if clip.name else "clip"
    _check_shapes(clip, name)
    _check(torch.isfinite(clip.seconds), f"{name}: time is not finite")
    _check(clip.seconds.diff() > 0, f"{name}: times must increase, the next one does not")
    if clip.depth is not None:
        known = torch.isfinite(clip.depth) & (clip.depth >= 0)
        _check(known.flatten(1).all(1), f"{name}: depth is NaN, infinite or negative (write 0 where it is unknown)")
    if clip.intrinsics is not None:
        finite = torch.isfinite(clip.intrinsics).flatten(1).all(1)
        _check(finite, f"{name}: intrinsics are not finite")
        _check(clip.intrinsics.diagonal(dim1=1, dim2=2).gt(0).all(1), f"{name}: focal lengths must be positive")
    if clip.world_T_cam is not None:
        _check(torch.isfinite(clip.world_T_cam).flatten(1).all(1), f"{name}: pose is not finite")
        rotation = clip.world_T_cam[:, :3, :3]
        off = (rotation @ rotation.mT - torch.eye(3).to(rotation)).abs().flatten(1).amax(1)
        _check((off < _RIGID_TOLERANCE) & (rotation.det() > 0), f"{name}: pose is not rigid")
    return clip


def _check_shapes(clip: Clip, name: str) -> None:
    time, size = len(clip), clip.size
    if time == 0:
        raise ValueError(f"{name} has no frames")
    parts = {
        "seconds": (time,),
        "depth": (time, *size),
        "intrinsics": (time, 3, 3),
        "world_T_cam": (time, 4, 4),
    }
    for part, need in parts.items():
        came = getattr(clip, part)
        if came is not None and tuple(came.shape) != need:
            raise ValueError(f"{name}: {part} has shape {tuple(came.shape)}, need {need} for its {time} frames")


def _check(good: Bool[Tensor, "frame"], message: str) -> None:
    if not good.all():
        raise ValueError(f"{message} (frame {int((~good).nonzero()[0])})")
