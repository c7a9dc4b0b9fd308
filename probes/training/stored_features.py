"""Batches of features from a store, with the labels of their clips."""

from __future__ import annotations

import math
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from probes.clips.clip_sets import SPLITS, ClipSet
from probes.clips.labels import Labels
from probes.features.store import FeatureStore
from training.data import TrainingData
from training.sampler import SeededSampler, global_batch_size, one_cycle, samples_seen

UNLIMITED = -1  # Lightning's word for it


class StoredClips(Dataset[dict[str, Any]]):
    """The features of the views of every clip of a split, with labels.

    `order` lists, for each clip, the clip whose labels it gets: with the labels of another clip a probe can learn
    nothing about the clip itself, and its score shows what labels have in common. With a `generator`, views are drawn
    anew each time.
    """

    def __init__(
        self,
        clips: ClipSet,
        split: str,
        store: FeatureStore,
        order: list[int] | None = None,
        generator: torch.Generator | None = None,
    ) -> None:
        self.clips, self.store, self.names = clips, store, list(clips.splits[split])
        self.order, self.generator = order or list(range(len(self.names))), generator
        self._kept: dict[tuple[int, ...], dict[str, Any]] = {}  # where views never change: about 100 kB a clip

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> dict[str, Any]:
        name = self.names[index]
        views = self.clips.views(name, self.generator)
        if len(views) < len(self.clips.kept(name)):
            return self._read(index, views)
        if (key := (index, *views)) not in self._kept:
            self._kept[key] = self._read(index, views)
        return self._kept[key]

    def _read(self, index: int, views: list[int]) -> dict[str, Any]:
        name = self.names[index]
        return {
            "clip": name,
            "features": self.store.read_frames(self.clips.stored_name(name), views),
            "labels": self.clips.labels(self.names[self.order[index]], views),
        }


class StoredFeatures(TrainingData):
    """Batches for a probe. Validation and test clips come in order; only validation clips select a probe.

    Args:
        clips: splits, views and labels.
        store: folder or fsspec address of the features (`region4d extract`).
        batch_size: clips per batch.
        seed: seed of the order and of the views.
        shuffled_labels: whether every training clip gets the labels of another one (a control).
        epochs: passes over the training clips, of all processes together, after which the training ends; a smaller
            `trainer.max_steps` ends it earlier. By default, `trainer.max_steps` alone says when.

    Raises:
        ValueError: If the store holds features of other clips, or lacks some, or `epochs` is not a positive number.
    """

    def __init__(
        self,
        *,
        clips: ClipSet,
        store: str | Path,
        batch_size: int,
        seed: int,
        shuffled_labels: bool = False,
        epochs: int | float | None = None,
    ) -> None:
        super().__init__()
        if epochs is not None and not (isinstance(epochs, int | float) and 0 < epochs < math.inf):
            raise ValueError(
                f"data.epochs={epochs} is not a length: give a positive number, or null for max_steps alone"
            )
        self.epochs = epochs
        self.clips, self.batch_size, self.seed, self.shuffled_labels = clips, batch_size, seed, shuffled_labels
        self.store, self.source = FeatureStore.open(store), store
        if not self.store.key.endswith(f"/{clips.key}"):
            raise ValueError(
                f"{store} holds features of other clips ({self.store.key}, not {clips.key}): extract these clips first"
            )
        if absent := self.store.missing([clips.stored_name(name) for name in clips.names]):
            raise ValueError(
                f"{store} has no features of {len(absent)} of {len(clips.names)} clips, such as {absent[0]}: "
                "run `region4d extract` on the same clips first"
            )

    @property
    def channels(self) -> int:
        """Number of channels of the features."""
        return self.store.channels(self.clips.stored_name(self.clips.names[0]))

    def prepare_data(self) -> None:
        """Prepare missing clips."""
        self.clips.prepare()

    def setup(self, stage: str) -> None:
        """Set the trainer's number of steps, where epochs are given."""
        if stage != "fit" or self.epochs is None:
            return
        assert self.trainer is not None
        samples = self.epochs * len(self.clips.splits["train"])
        steps = math.ceil(samples / global_batch_size(self.trainer, self.batch_size))
        loop = self.trainer.fit_loop.epoch_loop
        loop.max_steps = steps if loop.max_steps == UNLIMITED else min(loop.max_steps, steps)

    def summary(self) -> str:
        """Name the features."""
        return f"the features of {self.source}"

    def train_dataloader(self) -> DataLoader[Any]:
        """Batch the training clips endlessly, in an order that depends on the seed alone."""
        count = len(self.clips.splits["train"])
        order = one_cycle(count, self.seed) if self.shuffled_labels else None
        return DataLoader(
            StoredClips(self.clips, "train", self.store, order, torch.Generator().manual_seed(self.seed)),
            self.batch_size,
            sampler=SeededSampler(count, self.seed, samples_seen(self.trainer, self.batch_size)),
            collate_fn=collate,
        )

    def test_dataloader(self) -> list[DataLoader[Any]]:
        """Batch the validation and the test clips."""
        return [
            DataLoader(StoredClips(self.clips, split, self.store), self.batch_size, collate_fn=collate)
            for split in SPLITS[1:]
        ]


def collate(batch: list[dict[str, Any]]) -> dict[str, Any]:
    """Stack the features in float32, and the labels."""
    labels: dict[str, Tensor] = {
        entry.name: torch.stack([getattr(sample["labels"], entry.name) for sample in batch]) for entry in fields(Labels)
    }
    return {
        "clips": [sample["clip"] for sample in batch],
        "features": torch.stack([sample["features"] for sample in batch]).float(),
        "labels": labels,
    }
