"""Clips of a probe study: their splits, the frames that are read, and the labels of those frames."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from models.geometry import resize_intrinsics
from probes.clips.labels import Labels, labels_from_depth
from scenes.clip import Clip
from scenes.worlds import WorldConfig
from scenes.worlds.store import WorldStore

SPLITS = ("train", "val", "test")


class ClipSet(ABC):
    """Named clips in disjoint splits. Views are the frames of a clip that a probe reads, the same for all models."""

    splits: Mapping[str, Sequence[str]]
    key: str  # identifies what determines the pixels of all clips; the rest is in `stored_name`

    @property
    def names(self) -> list[str]:
        """List all clips."""
        return [name for split in SPLITS for name in self.splits[split]]

    def stored_name(self, name: str) -> str:
        """Name the file of a clip in a feature store: with its identity, where `key` does not determine its pixels."""
        return name

    def label_name(self, name: str) -> str:
        """Name the labels of a clip, with their identity, where `key` does not determine them."""
        return self.stored_name(name)

    @abstractmethod
    def prepare(self) -> None:
        """Prepare missing clips."""

    @abstractmethod
    def clip(self, name: str) -> Clip:
        """Read a clip."""

    @abstractmethod
    def views(self, name: str, generator: torch.Generator | None = None) -> list[int]:
        """List the frames that a probe reads; the first is the reference.

        Without a generator they depend on the clip alone, for validation and test; training may draw others.
        """

    @abstractmethod
    def kept(self, name: str) -> list[int]:
        """List all frames that can ever be views: those that a feature store has to keep."""

    @abstractmethod
    def labels(self, name: str, views: Sequence[int]) -> Labels:
        """Return points, depth and cameras of views, normalised to the first."""


class WorldClips(ClipSet):
    """Procedural worlds with exact labels.

    Args:
        world: distribution of the worlds; rooms at rest, unless moving objects are the question.
        seeds: first and last (excluded) seed of each split.
        frames: frames of a clip that are read.
        size: height and width of the labels, which are sampled at the nearest pixel.
        stores: folder of rendered worlds.
        prefix: start of the clips' names, so that clips of two sets are never confused.
    """

    def __init__(
        self,
        *,
        world: WorldConfig,
        seeds: Mapping[str, Sequence[int]],
        frames: Sequence[int],
        size: Sequence[int],
        stores: str = "outputs/worlds",
        prefix: str = "world",
    ) -> None:
        if set(seeds) != set(SPLITS):
            raise ValueError(f"worlds need seeds for {', '.join(SPLITS)}, got {', '.join(seeds) or 'none'}")
        ranges = [range(*seeds[split]) for split in SPLITS]
        if any(set(seeds) & set(others) for k, seeds in enumerate(ranges) for others in ranges[:k]):
            raise ValueError(f"training, validation and test must not share worlds, got {dict(seeds)}")
        if not 0 <= min(frames) <= max(frames) < world.frames:
            raise ValueError(f"views must be frames 0 to {world.frames - 1} of a clip, got {list(frames)}")
        self.frames, self.size = list(frames), (int(size[0]), int(size[1]))
        self.stores = {
            split: WorldStore(world, span, root=Path(stores)) for split, span in zip(SPLITS, ranges, strict=True)
        }
        self.splits = {split: [f"{prefix}-{seed}" for seed in store.seeds] for split, store in self.stores.items()}
        self.key = self.stores["train"].key
        self._index = {name: (split, k) for split, names in self.splits.items() for k, name in enumerate(names)}

    def prepare(self) -> None:
        """Render missing worlds."""
        for store in self.stores.values():
            store.render()

    def clip(self, name: str) -> Clip:
        """Read a rendered world."""
        split, index = self._index[name]
        return self.stores[split][index]

    def views(self, name: str, generator: torch.Generator | None = None) -> list[int]:
        """List the frames, the same for every clip."""
        return self.frames

    def kept(self, name: str) -> list[int]:
        """List the frames, the same for every clip."""
        return self.frames

    def labels(self, name: str, views: Sequence[int]) -> Labels:
        """Return exact depth and cameras, every surface with confidence 1."""
        clip = self.clip(name).frames(views)
        assert clip.depth is not None
        assert clip.intrinsics is not None
        assert clip.world_T_cam is not None
        return resample(labels_from_depth(clip.depth, clip.intrinsics, clip.world_T_cam), self.size)


def resample(labels: Labels, size: tuple[int, int]) -> Labels:
    """Resample labels to `size` (height, width) by the pixel that contains each new pixel's centre."""
    old = (labels.depth.shape[-2], labels.depth.shape[-1])
    if old == size:
        return labels
    rows, cols = (((torch.arange(new) + 0.5) * before / new).long() for before, new in zip(old, size, strict=True))

    def pick(maps: Tensor) -> Tensor:
        return maps[:, rows][:, :, cols]

    return replace(
        labels,
        points=pick(labels.points),
        depth=pick(labels.depth),
        intrinsics=resize_intrinsics(labels.intrinsics, old, size),
        confidence=pick(labels.confidence),
        valid=pick(labels.valid),
    )
