"""Rendered worlds on disk, in shards that all runs share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from scenes.clip import Clip, ObjectTruth, Truth
from scenes.storage.cache_key import cache_key
from scenes.storage.shards import SHARD, ShardStore, shard_note
from scenes.worlds.layout import make_world
from scenes.worlds.rendering.render import Signal, render
from scenes.worlds.world import WorldConfig

DEFAULT_ROOT = Path("outputs/worlds")
FORMAT = 1  # raise it when a world of the same seed and config has other bytes (see test_golden_worlds)
BATCH = 8  # worlds rendered at once; larger batches exceed the processor cache
OF_CLIP = ("video", "seconds", "depth", "intrinsics", "world_T_cam")
OF_TRUTH = ("instances", "normals", "backward_flow", "backward_valid", "forward_flow", "forward_valid", "moving")
OF_OBJECTS = (
    "world_T_obj",
    "speed",
)  # ragged: objects of all clips of a shard, concatenated; `first_object` has the offsets


class WorldStore(ShardStore[Clip]):
    """A sequence of clips, one for each seed."""

    def __init__(
        self, config: WorldConfig, seeds: range, signals: Sequence[Signal] = (), root: Path = DEFAULT_ROOT
    ) -> None:
        self.config, self.signals = config, tuple(signals)
        settings = {name: value for name, value in asdict(config).items() if value is not None}
        key = cache_key("worlds", FORMAT, settings, sorted(self.signals), SHARD)
        super().__init__(key, seeds, root)

    def generate(self, seeds: range) -> tuple[dict[str, Tensor], Any]:
        """Render the worlds of these seeds."""
        clips: list[Clip] = []
        for start in range(0, len(seeds), BATCH):
            worlds = [make_world(seed, self.config) for seed in seeds[start : start + BATCH]]
            clips += render(worlds, "cpu", self.signals)
        truths = [clip.truth for clip in clips if clip.truth is not None]
        tensors: dict[str, Tensor] = {}
        for name in OF_CLIP:
            tensors[name] = torch.stack([getattr(clip, name) for clip in clips])
        for name in OF_TRUTH:
            if getattr(truths[0], name) is not None:
                tensors[name] = torch.stack([getattr(truth, name) for truth in truths])
        for name in OF_OBJECTS:
            tensors[name] = torch.cat([getattr(truth, name).transpose(0, 1) for truth in truths]).contiguous()
        counts = torch.tensor([0] + [len(truth.objects) for truth in truths])
        tensors["first_object"] = counts.cumsum(0)
        return tensors, [[asdict(o) for o in truth.objects] for truth in truths]

    def read(self, file: Any, row: int, seed: int) -> Clip:
        """Read one clip."""
        first, last = file.get_slice("first_object")[row : row + 2].tolist()
        present = set(file.keys())
        truth = {key: file.get_slice(key)[row] for key in OF_TRUTH if key in present}
        truth |= {key: file.get_slice(key)[first:last].transpose(0, 1) for key in OF_OBJECTS}
        objects = tuple(
            ObjectTruth(**(described | {"size": tuple(described["size"])})) for described in shard_note(file)[row]
        )
        clip = {key: file.get_slice(key)[row] for key in OF_CLIP}
        return Clip(**clip, truth=Truth(objects=objects, **truth), name=f"world-{seed}")
