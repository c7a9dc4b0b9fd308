"""Cameras that a reconstruction has lost: their poses are numbers without a meaning."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

FARTHEST = 1e5  # units of the reconstruction; VGGT's evaluation of CO3D skips sequences with larger translations


class LostCamera(ValueError):
    """A video whose cameras are of no use, and why."""


def refuse_lost_cameras(name: str, world_T_cam: Float[Tensor, "time 4 4"]) -> None:
    """Refuse a video if one of its cameras, wanted or not, is not finite or farther than `FARTHEST` from the origin.

    Raises:
        LostCamera: names the video and the first such frame.
    """
    distance = world_T_cam[:, :3, 3].double().norm(dim=-1)
    finite = torch.isfinite(world_T_cam).flatten(1).all(1)
    lost = ~finite | (distance > FARTHEST)
    if lost.any():
        frame = int(lost.nonzero()[0])
        where = f"{distance[frame]:g} units from the origin" if finite[frame] else "not at a finite place"
        raise LostCamera(
            f"{name}: the camera of frame {frame} is {where} (at most {FARTHEST:g}): its reconstruction is broken; "
            "use another sequence"
        )
