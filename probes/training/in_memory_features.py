"""Features of a small frozen model, extracted where probes train on them and kept in memory: no store between."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from lightning import LightningDataModule
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from probes.clips.clip_sets import SPLITS, ClipSet
from probes.clips.label_table import fixed_views, label_file, label_table
from probes.encoders.videos import as_gathered
from probes.extractors.extractor import Extractor
from probes.extractors.noise import noise_level
from probes.features.controls import view_features_many
from probes.features.feature_store import NAME, SCALE, quantised
from training.sampler import SeededSampler, one_cycle, samples_seen


class GatheredClips(Dataset[dict[str, Any]]):
    """Clips first, first + 1, ... of features and labels that are in memory; `order` names whose labels each gets."""

    def __init__(
        self, names: Sequence[str], first: int, features: Tensor, labels: Mapping[str, Tensor], order: Sequence[int]
    ) -> None:
        self.names, self.first, self.features, self.labels = list(names), first, features, labels
        self.order = torch.tensor(order)

    def __len__(self) -> int:
        return len(self.names)

    def __getitems__(self, indices: list[int]) -> dict[str, Any]:
        here, where = torch.tensor(indices), self.features.device
        rows, labelled = (self.first + here).to(where), (self.first + self.order[here]).to(where)
        return {
            "clips": [self.names[index] for index in indices],
            "features": self.features[:, rows].float(),
            "labels": {name: value[labelled] for name, value in self.labels.items()},
        }


class ExtractedFeatures(LightningDataModule):
    """Batches for a bank of probes: the features of several layers, beside the labels that they share.

    The options are those of `region4d extract`. Everything is on the device that trains.

    Args:
        clips: splits, views and labels; the views must be fixed.
        extractor: frozen model.
        layers: blocks that are read.
        batch_size: clips.
        seed: of the order.
        labels: folder in which the labels of all clips are kept as one file.
        sigma: noise level of a diffusion model; None for a model that takes none.
        told: the level that it is told instead.
        draws: of the noise, over which features are averaged.
        noise_seed: of the noise.
        control: see `probes.features.controls`.
        random_init: a seed, for fresh random weights instead of the learned ones.
        eight_bits: round features as a store of 8 bits does.
        shuffled_labels: give every training clip the labels of another one (a control).
        at_once: clips of one forward of the extractor, and of one that measures probes.
    """

    def __init__(
        self,
        *,
        clips: ClipSet,
        extractor: Extractor,
        layers: Sequence[int],
        batch_size: int,
        seed: int,
        labels: str,
        sigma: float | None = None,
        told: float | None = None,
        draws: int = 1,
        noise_seed: int = 0,
        control: str | None = None,
        random_init: int | None = None,
        eight_bits: bool = False,
        shuffled_labels: bool = False,
        at_once: int = 64,
    ) -> None:
        super().__init__()
        self.noise = noise_level(sigma, told, noise_seed, draws)
        extractor.check(list(layers), self.noise)
        if random_init is not None:
            from probes.features.random_weights import (
                random_init as renew,  # needs diffusers, which most extractors do without
            )

            renew(extractor, random_init)
        self.clips, self.extractor, self.layers = clips, extractor, list(layers)
        self.batch_size, self.seed, self.label_folder = batch_size, seed, Path(labels)
        self.control, self.eight_bits = control, eight_bits
        self.shuffled_labels, self.at_once = shuffled_labels, at_once
        self.features = torch.empty(0)
        self.labels: dict[str, Tensor] = {}

    def prepare_data(self) -> None:
        """Make what is missing of the clips and of their labels."""
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
        parts = []
        for first in range(0, len(names), self.at_once):
            some = names[first : first + self.at_once]
            videos = torch.stack([self.clips.clip(name).video for name in some]).to(device)
            found, slots = view_features_many(extractor, videos, views, self.layers, self.noise, self.control, some)
            of_views = torch.stack([found[layer][:, slots.slots_of(views)] for layer in self.layers]).half()
            parts.append(rounded(of_views) if self.eight_bits else of_views)
        return torch.cat(parts, 1)

    @property
    def channels(self) -> int:
        """Width of the features."""
        return self.features.shape[-1]

    def notes(self, layer: int) -> dict[str, Any]:
        """Say what the features of a layer are, as the manifest of a store does."""
        key = f"{self.extractor.key(layer, self.noise)}/{self.control or 'plain'}/{self.clips.key}"
        return {
            "key": key,
            "extractor": self.extractor.name,
            "layer": layer,
            "blocks": len(self.extractor.blocks),
        }

    def train_dataloader(self) -> DataLoader[Any]:
        """Batch the training clips without end, in an order that depends on the seed alone."""
        count = len(self.clips.splits["train"])
        order = one_cycle(count, self.seed) if self.shuffled_labels else range(count)
        sampler = SeededSampler(count, self.seed, samples_seen(self.trainer, self.batch_size))
        return DataLoader(self._split("train", order), self.batch_size, sampler=sampler, collate_fn=as_gathered)

    def test_dataloader(self) -> list[DataLoader[Any]]:
        """Batch the validation and the test clips."""
        return [
            DataLoader(self._split(split, range(len(self.clips.splits[split]))), self.at_once, collate_fn=as_gathered)
            for split in SPLITS[1:]
        ]

    def _split(self, split: str, order: Sequence[int]) -> GatheredClips:
        first = sum(len(self.clips.splits[before]) for before in SPLITS[: SPLITS.index(split)])
        return GatheredClips(self.clips.splits[split], first, self.features, self.labels, order)


def rounded(features: Tensor) -> Tensor:
    """Round features (layer, clip, slot, rows, cols, channel) to 8 bits and back, clip by clip."""
    flat = [quantised(one) for one in features.flatten(0, 1)]
    found: Tensor = torch.stack([one[NAME] * one[SCALE] for one in flat]).unflatten(0, features.shape[:2]).half()
    return found
