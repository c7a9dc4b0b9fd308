"""Training data of the 4D expert: moving worlds with exact signals, from a store or rendered online."""

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
WORLDS_PER_RENDER = 16  # on a CPU: 12 ms per world; 64 at once overflow its cache and take 17 ms


class SignalDataset(Dataset[dict[str, Any]]):
    """Clips of a store with their exact signals; rays are on a `grid` x `grid` grid."""

    def __init__(self, store: WorldStore, grid: int) -> None:
        self.store, self.grid = store, grid

    def __len__(self) -> int:
        return len(self.store)

    def __getitem__(self, index: int) -> dict[str, Any]:
        clip = self.store[index]
        signals = true_signals(clip, (self.grid, self.grid))
        return {"video": clip.video, "values": signals.values, "valid": signals.valid}


class ExpertWorlds(TrainingData):
    """Moving worlds with exact signals, for training and test.

    With `online_rendering`, training worlds are not stored: workers draw them, and the training device renders them
    (512 take .08 s on an H200, and a second on its 16 CPU cores). A training may then see every world only once.

    Args:
        world: distribution of the worlds.
        seeds: first and last (exclusive) seed of the training worlds.
        test_seeds: first and last (exclusive) seed of the test worlds.
        grid: rows and columns of the ray signal.
        batch_size: clips per step.
        seed: seed of the order.
        stores: folder of rendered worlds.
        workers: processes that read or draw worlds.
        online_rendering: see above.

    Raises:
        ValueError: training and test share worlds.
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
            raise ValueError(
                f"data.seeds={list(seeds)} and data.test_seeds={list(test_seeds)} share worlds: choose disjoint ranges"
            )
        self.grid, self.batch_size, self.seed, self.workers = grid, batch_size, seed, workers
        self.online_rendering = online_rendering
        self.store, self.test_store = (
            WorldStore(world, range(*bounds), RENDERED, root=Path(stores)) for bounds in (seeds, test_seeds)
        )

    def prepare_data(self) -> None:
        """Render missing worlds."""
        if not self.online_rendering:
            self.store.render()
        self.test_store.render()

    def summary(self) -> str:
        """Describe the training worlds for the model card; with online rendering, count those that training draws."""
        count = len(self.store)
        if self.online_rendering:
            count = min(count, self._drawn())
        return summarize_worlds(count, self.store.config)

    def _drawn(self) -> int:
        """Count the worlds that all planned steps together draw."""
        if self.trainer is None:
            return 0
        return int(self.trainer.max_steps) * global_batch_size(self.trainer, self.batch_size)

    def train_dataloader(self) -> DataLoader[Any]:
        """Batch clips endlessly, in an order that depends on the seed alone; a resumed training continues it."""
        worlds = LiveWorlds(self.store.config, self.store.seeds)
        if self.online_rendering and self._drawn() > len(worlds):
            log.warning(
                "online rendering repeats worlds: training draws %d, and data.seeds has %d",
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
            pin_memory=torch.cuda.is_available() and not self.online_rendering,  # half a megabyte per clip
        )

    def on_after_batch_transfer(self, batch: Batch | list[WorldBatch], dataloader_idx: int) -> Batch:
        """Render the worlds of an online batch on the training device."""
        if not isinstance(batch, list):
            return batch
        videos, signals = zip(*(perceive(part, (self.grid, self.grid)) for part in batch), strict=True)
        return {
            "video": torch.cat(videos),
            "values": {name: torch.cat([part.values[name] for part in signals]) for name in CHANNELS},
            "valid": {name: torch.cat([part.valid[name] for part in signals]) for name in CHANNELS},
        }

    def test_dataloader(self) -> DataLoader[Any]:
        """Batch the test clips in order."""
        return DataLoader(SignalDataset(self.test_store, self.grid), self.batch_size, num_workers=self.workers)
