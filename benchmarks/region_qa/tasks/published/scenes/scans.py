"""Scanned rooms of ScanNet, and 3D boxes in them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from models.regions import Region
from scenes.clip import Clip
from scenes.readers.open_clip import open_clip

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
    """An axis-aligned 3D box in the world of the clip: centre and full extents, in metres."""

    centre: tuple[float, float, float]
    size: tuple[float, float, float]

    def region(self, clip: Clip) -> Region:
        """Mark the box in all frames that show it.

        Raises:
            ValueError: the clip has no cameras, or the box is out of view.
        """
        if clip.world_T_cam is None or clip.intrinsics is None:
            raise ValueError(f"{clip.name} has no camera poses: a 3D box needs a scan with poses and intrinsics")
        world_T_box = torch.eye(4)
        world_T_box[:3, 3] = torch.tensor(self.centre)
        return Region.from_box3d(
            world_T_box, self.size, clip.intrinsics, clip.world_T_cam, *clip.size, points=clip.points()
        )
