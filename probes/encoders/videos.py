"""Unlabelled videos of procedural worlds for the pretraining of encoders."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from jaxtyping import UInt8
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from scenes.worlds import WorldConfig
from scenes.worlds.store import WorldStore
from training.data import TrainingData, summarize_worlds
from training.sampler import SeededSampler, samples_seen

CLIPS_AT_ONCE = 1024  # that are read before they move to the device


class Videos(Dataset[UInt8[Tensor, "time 3 height width"]]):
    """Videos in the memory of the device that trains; a batch is gathered by one indexing operation."""

    def __init__(self, videos: UInt8[Tensor, "clip time 3 height width"]) -> None:
        self.videos = videos

    def __len__(self) -> int:
        return len(self.videos)

    def __getitems__(self, indices: list[int]) -> UInt8[Tensor, "batch time 3 height width"]:
        return self.videos[torch.tensor(indices, device=self.videos.device)]


class WorldVideos(TrainingData):
    """Clips of worlds in an endless seeded order, all in the memory of the device; a resumed run continues the order.

    `seeds` are the seeds of the worlds. They are disjoint from those of probes (configs/clips), so that no probe is
    scored on a scene that its encoder was trained on. A clip of 8 frames of 64 x 64 pixels takes 98 kB.
    """

    def __init__(
        self,
        *,
        world: WorldConfig,
        seeds: Sequence[int],
        batch_size: int,
        seed: int,
        stores: str = "outputs/worlds",
    ) -> None:
        super().__init__()
        self.batch_size, self.seed = batch_size, seed
        self.store = WorldStore(world, range(*seeds), root=Path(stores))
        self.videos: Tensor | None = None

    def prepare_data(self) -> None:
        """Render missing worlds."""
        self.store.render()

    def setup(self, stage: str) -> None:
        """Read the videos, once."""
        if self.videos is None:
            device = torch.device("cpu") if self.trainer is None else self.trainer.strategy.root_device
            count = len(self.store)
            parts = [
                torch.stack([self.store[k].video for k in range(first, min(first + CLIPS_AT_ONCE, count))]).to(device)
                for first in range(0, count, CLIPS_AT_ONCE)
            ]
            self.videos = torch.cat(parts)

    def summary(self) -> str:
        """Name the worlds."""
        return summarize_worlds(len(self.store), self.store.config)

    def train_dataloader(self) -> DataLoader[Any]:
        """Batch clips."""
        assert self.videos is not None  # guaranteed by `setup`
        order = SeededSampler(len(self.store), self.seed, samples_seen(self.trainer, self.batch_size))
        return DataLoader(Videos(self.videos), self.batch_size, sampler=order, collate_fn=as_gathered)


def as_gathered(batch: Any) -> Any:
    """Return a batch that the data set has gathered itself."""
    return batch


def flip(
    video: UInt8[Tensor, "batch time 3 height width"], generator: torch.Generator | None = None
) -> UInt8[Tensor, "batch time 3 height width"]:
    """Mirror half of the clips and reverse half of them in time; static rooms allow both."""
    mirrored, backwards = torch.rand(2, len(video), 1, 1, 1, 1, generator=generator).to(video.device) < 0.5
    video = torch.where(mirrored, video.flip(-1), video)
    return torch.where(backwards, video.flip(1), video)
