"""Videos of procedural worlds without labels, to train encoders on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from jaxtyping import UInt8
from lightning import LightningDataModule
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from models.training import SeededSampler, samples_seen
from scenes.worlds import WorldConfig
from scenes.worlds.store import WorldStore


class Videos(Dataset[UInt8[Tensor, "time 3 height width"]]):
    """The frames of every clip of a store."""

    def __init__(self, store: WorldStore) -> None:
        self.store = store

    def __len__(self) -> int:
        return len(self.store)

    def __getitem__(self, index: int) -> UInt8[Tensor, "time 3 height width"]:
        return self.store[index].video


class WorldVideos(LightningDataModule):
    """Clips of worlds in a seeded order without end; a resumed run continues in it.

    `seeds` are those of the worlds: none that a probe sees (configs/clips), so that no probe is ever scored on a scene
    that its encoder was trained on.
    """

    def __init__(
        self,
        *,
        world: WorldConfig,
        seeds: Sequence[int],
        batch_size: int,
        seed: int,
        stores: str = "outputs/worlds",
        workers: int = 0,
    ) -> None:
        super().__init__()
        self.batch_size, self.seed, self.workers = batch_size, seed, workers
        self.store = WorldStore(world, range(*seeds), root=Path(stores))

    def prepare_data(self) -> None:
        """Render what is missing."""
        self.store.render()

    def train_dataloader(self) -> DataLoader[Any]:
        """Batch clips."""
        order = SeededSampler(len(self.store), self.seed, samples_seen(self.trainer, self.batch_size))
        return DataLoader(Videos(self.store), self.batch_size, sampler=order, num_workers=self.workers)


def flip(
    video: UInt8[Tensor, "batch time 3 height width"], generator: torch.Generator | None = None
) -> UInt8[Tensor, "batch time 3 height width"]:
    """Mirror half of the clips, and run half of them backwards: rooms at rest allow both."""
    mirrored, backwards = torch.rand(2, len(video), 1, 1, 1, 1, generator=generator).to(video.device) < 0.5
    video = torch.where(mirrored, video.flip(-1), video)
    return torch.where(backwards, video.flip(1), video)
