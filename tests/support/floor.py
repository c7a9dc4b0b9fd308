"""The floor of a procedural world: distances on it that no depth map is asked for."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from scenes.clip import Clip


def floor_pixels(clip: Clip, frame: int) -> list[tuple[float, float]]:
    """Find two pixel centres (x, y) of the floor that are far from each other."""
    points = clip.points()
    assert clip.truth is not None
    assert points is not None
    flat = (clip.truth.instances[frame] == 0) & (points.xyz[frame, ..., 2].abs() < 1e-3)
    flat[:4], flat[-4:], flat[:, :4], flat[:, -4:] = False, False, False, False
    rows, cols = torch.nonzero(flat, as_tuple=True)
    ends = int((cols - rows).argmin()), int((cols + rows).argmax())
    return [(float(cols[end]) + 0.5, float(rows[end]) + 0.5) for end in ends]


def on_floor(clip: Clip, frame: int, x: float, y: float) -> Float[Tensor, "3"]:
    """Meet the floor, z = 0 of the world, by the ray of a pixel."""
    assert clip.intrinsics is not None
    assert clip.world_T_cam is not None
    pose = clip.world_T_cam[frame].double()
    ray = pose[:3, :3] @ torch.linalg.solve(clip.intrinsics[frame].double(), torch.tensor([x, y, 1.0]).double())
    return pose[:3, 3] - ray * pose[2, 3] / ray[2]
