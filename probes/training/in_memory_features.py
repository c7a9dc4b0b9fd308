"""Features of a small frozen model, extracted at the start of a training and kept in memory: no store in between."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from probes.clips.clip_sets import SPLITS, ClipSet
from probes.clips.label_table import fixed_views, label_file, label_table
from probes.encoders.videos import as_gathered
from probes.extractors.extractor import Extractor
from probes.features.controls import view_features_many
from probes.features.options import DTYPES, ExtractionOptions
from probes.features.store import NAME, SCALE, quantise
from training.data import TrainingData
from training.sampler import SeededSampler, one_cycle, samples_seen


class InMemoryClips(Dataset[dict[str, Any]]):
    """Clips first, first + 1, ... of features and labels in memory; `order` lists the clip whose labels each gets."""

    def __init__(
        self, names: Sequence[str], first: int, features: Tensor, labels: Mapping[str, Tensor], order: Sequence[int]
    ) -> None:
        self.names, self.first, self.features, self.labels = list(names), first, features, labels
        self.order = torch.tensor(order)

    def __len__(self) -> int:
        return len(self.names)

    def __getitems__(self, indices: list[int]) -> dict[str, Any]:
        chosen, device = torch.tensor(indices), self.features.device
        rows, label_rows = (self.first + chosen).to(device), (self.first + self.order[chosen]).to(device)
        return {
            "clips": [self.names[index] for index in indices],
            "features": self.features[:, rows].float(),
            "labels": {name: value[label_rows] for name, value in self.labels.items()},
        }


class InMemoryFeatures(TrainingData):
    """Batches for many probes: the features of several layers, with the labels that they share.

    Features and labels stay on the device that trains.

    Args:
        clips: splits, views and labels; the views must be fixed.
        extractor: frozen model.
        extraction: options as of `region4d extract`; int8 features are rounded as a store of 8 bits rounds them, and
            kept in float16.
        batch_size: clips per batch.
        seed: seed of the order.
        labels: folder that caches the labels of all clips as one file.
        shuffled_labels: whether every training clip gets the labels of another one (a control).
        clips_at_once: clips per forward of the extractor, and per batch of a validation or test.
    """

    def __init__(
        self,
        *,
        clips: ClipSet,
        extractor: Extractor,
        extraction: ExtractionOptions,
        batch_size: int,
        seed: int,
        labels: str,
        shuffled_labels: bool = False,
        clips_at_once: int = 64,
    ) -> None:
        super().__init__()
        extraction.prepare(extractor)
        self.clips, self.extractor, self.extraction = clips, extractor, extraction
        self.batch_size, self.seed, self.label_folder = batch_size, seed, Path(labels)
        self.shuffled_labels, self.clips_at_once = shuffled_labels, clips_at_once
        self.features = torch.empty(0)
        self.labels: dict[str, Tensor] = {}

    def summary(self) -> str:
        """Name the features."""
        return f"features of {self.extractor.name}"

    def prepare_data(self) -> None:
        """Prepare missing clips and labels."""
        self.clips.prepare()
        label_file(self.clips, self.label_folder)

    def setup(self, stage: str) -> None:
        """Extract, once."""
        if self.labels:
            return
        device = self.trainer.strategy.root_device if self.trainer is not None else torch.device("cpu")
        self.labels = {name: value.to(device) for name, value in label_table(self.clips, self.label_folder).items()}
        self.features = self._extract(device)

    def _extract(self, device: torch.device) -> Tensor:
        extractor, views, names = self.extractor.to(device), fixed_views(self.clips), self.clips.names
        layers, noise, control = list(self.extraction.layers), self.extraction.noise, self.extraction.control
        parts = []
        for first in range(0, len(names), self.clips_at_once):
            batch = names[first : first + self.clips_at_once]
            videos = torch.stack([self.clips.clip(name).video for name in batch]).to(device)
            features, slots = view_features_many(extractor, videos, views, layers, noise, control, batch)
            of_views = torch.stack([features[layer][:, slots.slots_of(views)] for layer in layers])
            parts.append(as_stored(of_views, self.extraction.dtype))
        return torch.cat(parts, 1)

    @property
    def channels(self) -> int:
        """Number of channels of the features."""
        return self.features.shape[-1]

    def notes(self, layer: int) -> dict[str, Any]:
        """Describe the features of a layer, as the manifest of a store does."""
        return {
            "key": self.extraction.key(self.extractor, layer, self.clips),
            "extractor": self.extractor.name,
            "layer": layer,
            "blocks": len(self.extractor.blocks),
        }

    def train_dataloader(self) -> DataLoader[Any]:
        """Batch the training clips endlessly, in an order that depends on the seed alone."""
        count = len(self.clips.splits["train"])
        order = one_cycle(count, self.seed) if self.shuffled_labels else range(count)
        sampler = SeededSampler(count, self.seed, samples_seen(self.trainer, self.batch_size))
        return DataLoader(self._split("train", order), self.batch_size, sampler=sampler, collate_fn=as_gathered)

    def test_dataloader(self) -> list[DataLoader[Any]]:
        """Batch the validation and the test clips."""
        return [
            DataLoader(
                self._split(split, range(len(self.clips.splits[split]))), self.clips_at_once, collate_fn=as_gathered
            )
            for split in SPLITS[1:]
        ]

    def _split(self, split: str, order: Sequence[int]) -> InMemoryClips:
        first = sum(len(self.clips.splits[before]) for before in SPLITS[: SPLITS.index(split)])
        return InMemoryClips(self.clips.splits[split], first, self.features, self.labels, order)


def as_stored(features: Tensor, dtype: str) -> Tensor:
    """Round features (layer, clip, view, rows, cols, channel) as a store of that dtype does, clip by clip."""
    if dtype != "int8":
        return features.to(DTYPES[dtype])
    quantised = [quantise(clip) for clip in features.half().flatten(0, 1)]
    restored: Tensor = torch.stack([clip[NAME] * clip[SCALE] for clip in quantised]).unflatten(0, features.shape[:2])
    return restored.half()
