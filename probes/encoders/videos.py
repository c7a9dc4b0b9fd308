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

from scenes.worlds import WorldConfig
from scenes.worlds.store import WorldStore
from training.sampler import SeededSampler, samples_seen

PART = 1024  # clips that are read at a time


class Videos(Dataset[UInt8[Tensor, "time 3 height width"]]):
    """Videos in memory, where they will be used; a batch is gathered there at once."""

    def __init__(self, videos: UInt8[Tensor, "clip time 3 height width"]) -> None:
        self.videos = videos

    def __len__(self) -> int:
        return len(self.videos)

    def __getitems__(self, indices: list[int]) -> UInt8[Tensor, "batch time 3 height width"]:
        return self.videos[torch.tensor(indices, device=self.videos.device)]


class WorldVideos(LightningDataModule):
    """Clips of worlds in a seeded order without end, all in the memory of the device; a resumed run continues in it.

    `seeds` are those of the worlds: none that a probe sees (configs/clips), so that no probe is ever scored on a scene
    that its encoder was trained on. A clip of 8 frames of 64 x 64 pixels takes 98 kB.
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
        """Render what is missing."""
        self.store.render()

    def setup(self, stage: str) -> None:
        """Read the videos, once."""
        if self.videos is None:
            device = torch.device("cpu") if self.trainer is None else self.trainer.strategy.root_device
            parts = [
                torch.stack([self.store[k].video for k in range(first, min(first + PART, len(self.store)))]).to(device)
                for first in range(0, len(self.store), PART)
            ]
            self.videos = torch.cat(parts)

    def train_dataloader(self) -> DataLoader[Any]:
        """Batch clips."""
        assert self.videos is not None  # `setup` has seen to it
        order = SeededSampler(len(self.store), self.seed, samples_seen(self.trainer, self.batch_size))
        return DataLoader(Videos(self.videos), self.batch_size, sampler=order, collate_fn=as_gathered)


def as_gathered(batch: Any) -> Any:
    """Leave a batch that was gathered as a whole."""
    return batch


def flip(
    video: UInt8[Tensor, "batch time 3 height width"], generator: torch.Generator | None = None
) -> UInt8[Tensor, "batch time 3 height width"]:
    """Mirror half of the clips, and run half of them backwards: rooms at rest allow both."""
    mirrored, backwards = torch.rand(2, len(video), 1, 1, 1, 1, generator=generator).to(video.device) < 0.5
    video = torch.where(mirrored, video.flip(-1), video)
    return torch.where(backwards, video.flip(1), video)
