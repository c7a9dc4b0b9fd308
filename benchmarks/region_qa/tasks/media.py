"""Where the footage of an item is, and how its regions are marked on it: both are read when they are needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Protocol, runtime_checkable

import torch

from models.providers import GeometryProvider, open_provider
from models.regions import Region
from scenes.clip import Clip
from scenes.readers.estimated_geometry import add_geometry
from scenes.readers.open_clip import open_clip

BOXED = "box of an empty mask"  # name of a region whose mask marks no pixel, so that its box is marked


@runtime_checkable
class Media(Protocol):
    """The place of a clip. Two that are equal hold the same clip, which is then read once for adjacent items."""

    def read(self) -> Clip:
        """Read the clip.

        Raises:
            FileNotFoundError: there is no such footage.
            ValueError: it cannot be read.
        """
        ...


@runtime_checkable
class Mark(Protocol):
    """What marks one region; hashable, so that questions about a region of a clip share it."""

    def region(self, clip: Clip) -> Region:
        """Mark the region on the clip.

        Raises:
            OutOfView: no frame that was read shows it.
            ValueError: nothing of the clip is marked.
        """
        ...


@dataclass(frozen=True)
class ClipFile:
    """A video, a picture, a folder of pictures or an RGB-D folder, of which `frames` frames are read uniformly.

    `root` is the folder of the benchmark that it belongs to.
    """

    path: Path
    frames: int | None = None
    root: Path | None = field(default=None, compare=False)

    def read(self) -> Clip:
        """Read the clip; errors are those of `open_clip`."""
        return open_clip(self.path, self.frames)


@dataclass(frozen=True)
class EstimatedDepth:
    """Footage whose depth and intrinsics (and poses, where they are estimated) a provider estimates from its frames."""

    footage: Media
    provider: str

    def read(self) -> Clip:
        """Read the clip and estimate.

        Raises:
            ValueError: the footage has depth, or as `open_provider` and the provider do.
        """
        clip = self.footage.read()
        if clip.depth is not None:
            raise ValueError(f"{clip.name} has depth: leave out task.depth, which is for footage that has none")
        return add_geometry(clip, opened_provider(self.provider))


def path_within(media: Media) -> str:
    """Name footage by its path within the folder of its benchmark; empty where it has none."""
    while hasattr(media, "footage"):
        media = media.footage
    path, root = getattr(media, "path", None), getattr(media, "root", None)
    return "" if path is None or root is None else path.relative_to(root).as_posix()


@lru_cache(maxsize=1)
def opened_provider(name: str) -> GeometryProvider:
    """Open a provider once for all clips, on a GPU where there is one."""
    return open_provider(name, "cuda" if torch.cuda.is_available() else "cpu")


@dataclass(frozen=True, eq=False)
class ClipInMemory:
    """A clip that is in memory already; equal to itself alone."""

    clip: Clip

    def read(self) -> Clip:
        """Return the clip."""
        return self.clip


@dataclass(frozen=True)
class BoxMark:
    """A box (x0, y0, x1, y1; pixels) on one frame."""

    box: tuple[int | float, int | float, int | float, int | float]
    frame: int = 0

    def region(self, clip: Clip) -> Region:
        """Mark the pixels that the box touches; errors are those of `Region.from_box`."""
        return Region.from_box(self.box, *clip.size, self.frame)


@dataclass(frozen=True, eq=False)
class MarkInMemory:
    """A region whose masks are in memory already; equal to itself alone."""

    marked: Region

    def region(self, clip: Clip) -> Region:
        """Return the region."""
        return self.marked


@dataclass(frozen=True)
class Opened:
    """The clip and the regions of one item."""

    clip: Clip
    regions: Sequence[Region]


class Opener:
    """Opens items one after the other; the clip that was read last stays, with its regions, for items of the same."""

    def __init__(self) -> None:
        self._last: tuple[Media, Clip, dict[Mark, Region]] | None = None

    def open(self, media: Media, marks: Sequence[Mark]) -> Opened:
        """Read the clip, unless it is the last one, and mark the regions; a mark that comes again is the same region.

        Raises:
            FileNotFoundError: there is no such footage.
            OutOfView: no frame shows a region.
            ValueError: it cannot be read, or a mark marks nothing.
        """
        if self._last is None or self._last[0] != media:
            self._last = None  # frees the clip before the next one is read
            self._last = media, media.read(), {}
        _, clip, regions = self._last
        for mark in marks:
            if mark not in regions:
                regions[mark] = mark.region(clip)
        return Opened(clip, [regions[mark] for mark in marks])
