"""Data of the 4D expert: moving worlds with exact signals, stored or rendered during the training."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset

from distill.expert.live_worlds import LiveWorlds, WorldBatch, batch_worlds, perceive
from distill.signals import CHANNELS, RENDERED, true_signals
from scenes.worlds import WorldConfig
from scenes.worlds.store import WorldStore
from training.data import TrainingData, summarize_worlds
from training.sampler import SeededSampler, global_batch_size, samples_seen

log = logging.getLogger(__name__)

Batch = Mapping[str, Any]
WORLDS_PER_RENDER = 16  # on a CPU: 12 ms a world, where 64 at once leave its cache and take 17


class SignalDataset(Dataset[dict[str, Any]]):
    """Clips of a store with their exact signals."""

    def __init__(self, store: WorldStore, grid: int) -> None:
        self.store, self.grid = store, grid

    def __len__(self) -> int:
        return len(self.store)

    def __getitem__(self, index: int) -> dict[str, Any]:
        clip = self.store[index]
        signals = true_signals(clip, (self.grid, self.grid))
        return {"video": clip.video, "values": signals.values, "valid": signals.valid}


class ExpertWorlds(TrainingData):
    """Moving worlds with exact signals: training seeds, and test seeds.

    With `online_rendering` training worlds are not stored: workers draw them and the training device renders them, 512
    in .08 s on an H200, where its 16 cores take a second. The training may then see every world once.

    Raises:
        ValueError: some test worlds are training worlds.
    """

    def __init__(
        self,
        *,
        world: WorldConfig,
        seeds: Sequence[int],
        test_seeds: Sequence[int],
        grid: int,
        batch_size: int,
        seed: int,
        stores: str = "outputs/worlds",
        workers: int = 0,
        online_rendering: bool = False,
    ) -> None:
        super().__init__()
        if max(seeds[0], test_seeds[0]) < min(seeds[1], test_seeds[1]):
            raise ValueError(f"data.seeds={list(seeds)} and data.test_seeds={list(test_seeds)} share worlds")
        self.grid, self.batch_size, self.seed, self.workers = grid, batch_size, seed, workers
        self.online_rendering = online_rendering
        self.store, self.test_store = (
            WorldStore(world, range(*chosen), RENDERED, root=Path(stores)) for chosen in (seeds, test_seeds)
        )

    def prepare_data(self) -> None:
        """Render the worlds that are missing from the stores."""
        if not self.online_rendering:
            self.store.render()
        self.test_store.render()

    def summary(self) -> str:
        """Name the training worlds; of a range for online rendering those that the training drew."""
        count = len(self.store)
        if self.online_rendering:
            count = min(count, self._drawn())
        return summarize_worlds(count, self.store.config)

    def _drawn(self) -> int:
        """Count the worlds that the planned steps draw."""
        if self.trainer is None:
            return 0
        return int(self.trainer.max_steps) * global_batch_size(self.trainer, self.batch_size)

    def train_dataloader(self) -> DataLoader[Any]:
        """Batch clips without end, in an order that depends on the seed alone; a resumed run continues in it."""
        worlds = LiveWorlds(self.store.config, self.store.seeds)
        if self.online_rendering and self._drawn() > len(worlds):
            log.warning(
                "online rendering repeats worlds: the training draws %d from data.seeds, which has %d",
                self._drawn(),
                len(worlds),
            )
        at_once = None if torch.cuda.is_available() else WORLDS_PER_RENDER
        return DataLoader(
            worlds if self.online_rendering else SignalDataset(self.store, self.grid),
            self.batch_size,
            sampler=SeededSampler(len(worlds), self.seed, samples_seen(self.trainer, self.batch_size)),
            collate_fn=partial(batch_worlds, at_once=at_once) if self.online_rendering else None,
            num_workers=self.workers,
            pin_memory=torch.cuda.is_available() and not self.online_rendering,  # half a megabyte a clip
        )

    def on_after_batch_transfer(self, batch: Batch | list[WorldBatch], dataloader_idx: int) -> Batch:
        """Render the worlds of an online batch, on the device that trains."""
        if not isinstance(batch, list):
            return batch
        videos, signals = zip(*(perceive(part, (self.grid, self.grid)) for part in batch), strict=True)
        return {
            "video": torch.cat(videos),
            "values": {name: torch.cat([each.values[name] for each in signals]) for name in CHANNELS},
            "valid": {name: torch.cat([each.valid[name] for each in signals]) for name in CHANNELS},
        }

    def test_dataloader(self) -> DataLoader[Any]:
        """Batch the test clips in order."""
        return DataLoader(SignalDataset(self.test_store, self.grid), self.batch_size, num_workers=self.workers)
