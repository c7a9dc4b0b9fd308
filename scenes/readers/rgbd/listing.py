"""What a layout says of an RGB-D folder before any picture is read."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from einops import repeat
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from scenes.readers.depth_file import DEPTH_SUFFIXES
from scenes.readers.image_files import IMAGE_SUFFIXES, list_visible
from scenes.readers.rgbd.distortion import Distortion
from scenes.readers.up_axis import Up

Size = tuple[int, int]  # height, width


@dataclass(frozen=True)
class Cameras:
    """The intrinsics (pixels, centres at .5) of the colour pictures of some frames, and the file that they come from.

    `size` is the size of the pictures that they were made for, None if the file does not say. `resizable` pictures
    may be smaller copies with the same aspect ratio. `distortion` is that of the pictures, which are undistorted
    when they are read. `depth` are the intrinsics of depth maps of another size, which look from the same place.
    """

    intrinsics: Float[Tensor, "time 3 3"]
    source: Path
    size: Size | None = None
    resizable: bool = False
    distortion: Sequence[Distortion | None] | None = None
    depth: Float[Tensor, "time 3 3"] | None = None


@dataclass(frozen=True)
class RgbdListing:
    """The frames of a folder, in order of time. Lists are as long as `colour`; `seconds` start anywhere.

    Attributes:
        colour: pictures.
        seconds: their times (float64).
        cameras: reads the intrinsics of the frames that it is given.
        depth: depth files, or None.
        world_T_cam: poses with OpenCV camera axes, or None; a frame without a pose has no finite number in it.
        depth_scale: units of integer depth in one metre (or in one unit of the poses, if not `metric`).
        float_scale: the same for depth in floating-point numbers.
        shifted_bits: integer depth is rotated by three bits, as in SUN RGB-D.
        other_size: depth may have another size than colour; it is then sampled at the colour pixels.
        metric: whether lengths are in metres.
        confidence: 16-bit pictures of confidence, or None.
        confidence_scale: their units in 1.
        up: axis of the world that points up.
        poses_from: the file of the poses, for messages.
        notes: what a user should know of this folder; logged as warnings.
    """

    colour: Sequence[Path]
    seconds: Float[Tensor, "time"]
    cameras: Callable[[Sequence[int]], Cameras]
    depth: Sequence[Path] | None = None
    world_T_cam: Float[Tensor, "time 4 4"] | None = None
    depth_scale: int | float = 1000
    float_scale: int | float = 1
    shifted_bits: bool = False
    other_size: bool = False
    metric: bool = True
    confidence: Sequence[Path] | None = None
    confidence_scale: int | float = 1
    up: Up = "auto"
    poses_from: str = "the poses"
    notes: Sequence[str] = ()

    def __len__(self) -> int:
        return len(self.colour)

    def take(self, index: Sequence[int]) -> RgbdListing:
        """Select frames."""

        def select(files: Sequence[Path] | None) -> list[Path] | None:
            return None if files is None else [files[i] for i in index]

        return replace(
            self,
            colour=[self.colour[i] for i in index],
            seconds=self.seconds[list(index)],
            cameras=lambda chosen: self.cameras([index[i] for i in chosen]),
            depth=select(self.depth),
            world_T_cam=None if self.world_T_cam is None else self.world_T_cam[list(index)],
            confidence=select(self.confidence),
        )


def one_camera(
    intrinsics: Float[Tensor, "3 3"],
    count: int,
    source: Path,
    size: Size | None = None,
    depth: Float[Tensor, "3 3"] | None = None,
) -> Cameras:
    """Build the cameras of `count` frames that share one."""

    def all_frames(one: Tensor) -> Tensor:
        repeated: Tensor = repeat(one.float(), "row col -> time row col", time=count)
        return repeated

    return Cameras(all_frames(intrinsics), source, size, depth=None if depth is None else all_frames(depth))


def pinholes(rows: Float[Tensor, "*batch 4"]) -> Float[Tensor, "*batch 3 3"]:
    """Build intrinsics from focal lengths and principal points (fx, fy, cx, cy)."""
    intrinsics = torch.diag_embed(torch.cat([rows[..., :2], torch.ones_like(rows[..., :1])], -1))
    intrinsics[..., :2, 2] = rows[..., 2:]
    return intrinsics.float()


def list_files(folder: Path, suffixes: frozenset[str]) -> list[Path]:
    """List the files with these suffixes in natural order: frame2 before frame10; hidden ones (`._*`) are no frames.

    Raises:
        FileNotFoundError: there are none.
    """
    files = list_visible(folder, suffixes) if folder.is_dir() else []
    if not files:
        raise FileNotFoundError(f"{folder.parent} has no pictures in {folder.name}/")
    return files


def list_colour(folder: Path) -> list[Path]:
    """List colour pictures; see `list_files`."""
    return list_files(folder, IMAGE_SUFFIXES)


def list_depth(folder: Path) -> list[Path]:
    """List depth files; see `list_files`."""
    return list_files(folder, DEPTH_SUFFIXES)


def inside(folder: Path, name: str, source: Path) -> Path:
    """Join a name that a file gives to its folder.

    Raises:
        ValueError: the name leads out of the folder.
    """
    if "\0" in name or os.path.isabs(name) or os.path.normpath(name).split(os.sep)[0] == os.pardir:
        raise ValueError(f"{source} names {name!r}, which is outside of {folder}: move the file into the folder")
    return folder / name


def frame_number(path: Path) -> int:
    """Read the last number in the name of a frame.

    Raises:
        ValueError: it has none.
    """
    found = re.findall(r"\d+", path.stem)
    if not found:
        raise ValueError(f"{path} has no frame number in its name")
    return int(found[-1])


def by_stem(files: Sequence[Path]) -> dict[str, Path]:
    """Index files by their name without suffix.

    Raises:
        ValueError: two files share a name.
    """
    found: dict[str, Path] = {}
    for file in files:
        if file.stem in found:
            raise ValueError(f"{file} and {found[file.stem].name} are two files of one frame: remove one of them")
        found[file.stem] = file
    return found


def nearest(
    times: Float[Tensor, "time"], others: Float[Tensor, "other"]
) -> tuple[Int64[Tensor, "time"], Float[Tensor, "time"]]:
    """Find for every time the index of the nearest other time, and the gap (seconds); `others` in any order."""
    ordered, order = others.sort()
    after = torch.searchsorted(ordered, times).clamp(max=len(others) - 1)
    before = (after - 1).clamp(min=0)
    nearer = torch.where((times - ordered[before]).abs() <= (ordered[after] - times).abs(), before, after)
    return order[nearer], (times - ordered[nearer]).abs()


def keep(listing: RgbdListing, mask: Bool[Tensor, "time"], reason: str) -> RgbdListing:
    """Leave frames out and note how many.

    Raises:
        ValueError: no frame is left.
    """
    if bool(mask.all()):
        return listing
    if not bool(mask.any()):
        raise ValueError(f"{listing.colour[0].parent}: no frame can be used: {reason}")
    left = listing.take(mask.nonzero()[:, 0].tolist())
    return replace(left, notes=[*left.notes, f"{int((~mask).sum())} of {len(mask)} frames are left out: {reason}"])
