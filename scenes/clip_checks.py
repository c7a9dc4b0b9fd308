"""Validation of clips that were read from files."""

from __future__ import annotations

import torch
from jaxtyping import Bool
from torch import Tensor

from scenes.clip import Clip

_RIGID_TOLERANCE = 1e-2  # logs are often printed with few digits; an inverted axis or a scale is off by 1


def check_clip(clip: Clip) -> Clip:
    """Validate a clip and return it unchanged.

    Raises:
        ValueError: sizes disagree, times do not increase, depth is negative or not finite, intrinsics or poses are
            not finite, or a pose is not rigid. The message names the clip and the first invalid frame.
    """
    name = f"clip {clip.name}" if clip.name else "clip"
    _check_shapes(clip, name)
    _check(torch.isfinite(clip.seconds), f"{name}: time is not finite")
    _check(clip.seconds.diff() > 0, f"{name}: times must increase from each frame to the next")
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
        array = getattr(clip, part)
        if array is not None and tuple(array.shape) != need:
            raise ValueError(f"{name}: {part} has shape {tuple(array.shape)}, expected {need} for {time} frames")


def _check(valid: Bool[Tensor, "frame"], message: str) -> None:
    if not valid.all():
        raise ValueError(f"{message} (frame {int((~valid).nonzero()[0])})")
