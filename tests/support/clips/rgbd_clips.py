"""A short clip with exact geometry, and the files that the tests of RGB-D layouts write from it."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import torch
from einops import rearrange
from PIL import Image

from models.geometry import invert
from scenes.clip import Clip
from scenes.worlds import WorldConfig, make_world, render


@cache
def orbit_clip(frames: int = 4) -> Clip:
    """A camera that goes around a room, 48 x 64 pixels; depth in whole millimetres."""
    config = WorldConfig(height=48, width=64, frames=frames, cameras=("orbit",), noise=0.0, rescale=(1.0, 1.0))
    (clip,) = render([make_world(9, config)], "cpu", signals=())
    return Clip(
        clip.video,
        torch.arange(frames) / 10,
        depth=(clip.depth * 1000).round() / 1000,  # type: ignore[operator]
        intrinsics=clip.intrinsics,
        world_T_cam=clip.world_T_cam,
    )


def write_colour(path: Path, clip: Clip, frame: int) -> None:
    """Write a frame without loss."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(rearrange(clip.video[frame], "c h w -> h w c").numpy()).save(path)


def write_units(path: Path, units: torch.Tensor | np.ndarray) -> None:
    """Write a 16-bit picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(units).round().astype(np.uint16)).save(path)


def write_millimetres(path: Path, clip: Clip, frame: int) -> None:
    """Write the depth of a frame as a 16-bit picture of millimetres."""
    assert clip.depth is not None
    write_units(path, clip.depth[frame] * 1000)


def write_matrix(path: Path, values: torch.Tensor) -> None:
    """Write a matrix, a row a line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(" ".join(f"{x:.9g}" for x in row) for row in values.tolist()) + "\n")


def motion(clip: Clip) -> torch.Tensor:
    """Poses in the first camera, whatever the world."""
    assert clip.world_T_cam is not None
    return invert(clip.world_T_cam[:1]) @ clip.world_T_cam


def assert_same(read: Clip, clip: Clip, depth: bool = True) -> None:
    """Compare frames, depth, intrinsics and camera motion."""
    assert torch.equal(read.video, clip.video)
    torch.testing.assert_close(read.intrinsics, clip.intrinsics)
    torch.testing.assert_close(motion(read), motion(clip), atol=1e-5, rtol=1e-5)  # poses are printed with 9 digits
    if depth:
        torch.testing.assert_close(read.depth, clip.depth)
    else:
        assert read.depth is None
