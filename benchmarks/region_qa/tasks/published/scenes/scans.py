"""Scanned rooms of ScanNet, and 3D boxes in them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from models.regions import OutOfView, Region
from scenes.clip import Clip
from scenes.readers.open_clip import open_clip
from scenes.readers.rgbd.trajectories import rotation_from_axis_angle

_ALIGNMENT = re.compile(r"^axisAlignment\s*=\s*(.+)$", re.MULTILINE)


@dataclass(frozen=True)
class ScannedScene:
    """A scan as ScanNet exports it (`color/`, `depth/`, `pose/`, `intrinsic/`), or a video beside where it would be.

    Poses are in the axis-aligned world, in which boxes are given, where SCENE/SCENE.txt has its `axisAlignment`.
    """

    path: Path
    frames: int | None = None
    root: Path | None = field(default=None, compare=False)

    def read(self) -> Clip:
        """Read the frames.

        Raises:
            FileNotFoundError: there is neither the folder nor a video.
            ValueError: the scan is damaged.
        """
        video = self.path.with_name(f"{self.path.name}.mp4")
        if not self.path.is_dir() and not video.is_file():
            raise FileNotFoundError(
                f"no scan {self.path}, nor {video.name}: give the folder of the scans, task.scenes="
            )
        clip = open_clip(self.path if self.path.is_dir() else video, self.frames)
        aligned = read_alignment(self.path / f"{self.path.name}.txt")
        if clip.world_T_cam is None or aligned is None:
            return clip
        return replace(clip, world_T_cam=aligned @ clip.world_T_cam)


def read_alignment(path: Path) -> Float[Tensor, "4 4"] | None:
    """Read the transform from ScanNet's world to the axis-aligned one; None where the file does not give it.

    Raises:
        ValueError: it does not have 16 numbers.
    """
    found = _ALIGNMENT.search(path.read_text()) if path.is_file() else None
    if found is None:
        return None
    numbers = [float(number) for number in found[1].split()]
    if len(numbers) != 16:
        raise ValueError(f"{path}: axisAlignment has {len(numbers)} numbers, expected 16")
    return torch.tensor(numbers).view(4, 4)


@dataclass(frozen=True)
class Box3dMark:
    """A 3D box in the world of the clip: centre and full extents in metres, and how it is turned.

    `angles` are those of EmbodiedScan, in radians: about z, then about the turned x, then about the turned y.
    """

    centre: tuple[float, float, float]
    size: tuple[float, float, float]
    angles: tuple[float, float, float] = (0.0, 0.0, 0.0)

    @classmethod
    def read(cls, box: Any, count: int = 6) -> Box3dMark:
        """Read a box of 6 numbers, or of 9 with angles.

        Raises:
            ValueError: it does not have `count` numbers.
        """
        if not isinstance(box, list) or len(box) != count:
            angles = " and angles" if count == 9 else ""
            raise ValueError(f"a box has {count} numbers (centre, extents{angles}), got {str(box)[:60]}")
        x, y, z, width, depth, height, *turned = map(float, box)
        about_z, about_x, about_y = turned or (0.0, 0.0, 0.0)
        return cls((x, y, z), (width, depth, height), (about_z, about_x, about_y))

    def world_T_box(self) -> Float[Tensor, "4 4"]:
        """Build the pose of the box."""
        about_z, about_x, about_y = self.angles
        turns = rotation_from_axis_angle(torch.tensor([[0.0, 0.0, about_z], [about_x, 0.0, 0.0], [0.0, about_y, 0.0]]))
        world_T_box = torch.eye(4)
        world_T_box[:3, :3] = turns[0] @ turns[1] @ turns[2]
        world_T_box[:3, 3] = torch.tensor(self.centre)
        return world_T_box

    def region(self, clip: Clip) -> Region:
        """Mark the box in all frames that show it; where all occlude it, the pixels whose rays hit it.

        Raises:
            OutOfView: no frame shows the box.
            ValueError: the clip has no cameras.
        """
        if clip.world_T_cam is None or clip.intrinsics is None:
            raise ValueError(f"{clip.name} has no camera poses: a 3D box needs a scan with poses and intrinsics")
        view = (self.world_T_box(), self.size, clip.intrinsics, clip.world_T_cam, *clip.size)
        try:
            return Region.from_box3d(*view, points=clip.points())
        except OutOfView:
            return Region.from_box3d(*view)
