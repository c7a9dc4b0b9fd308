"""What a lift is trained on: shapes alone, and masked objects of worlds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from lightning import LightningDataModule
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from models.lifting.batches import tensors_of
from models.lifting.shifted import shift_domain
from models.training import SeededSampler, samples_seen
from scenes.masked_objects import MaskedObjectConfig, MaskedObjectStore, distance_grid
from scenes.worlds import WorldConfig
from scenes.worlds.dice import Dice
from scenes.worlds.layout import draw_object


class Shapes(Dataset[Float[Tensor, "x y z"]]):
    """Signed distances of random objects of worlds, one for each seed, drawn when asked for."""

    def __init__(self, world: WorldConfig, seeds: range, resolution: int) -> None:
        self.world, self.seeds, self.resolution = world, seeds, resolution

    def __len__(self) -> int:
        return len(self.seeds)

    def __getitem__(self, index: int) -> Float[Tensor, "x y z"]:
        return distance_grid(draw_object(Dice(self.seeds[index]), self.world, 1.0), self.resolution)


class MaskedObjects(Dataset[dict[str, Tensor]]):
    """The tensors of masked objects; `shifted` changes each picture as a camera of another domain would."""

    def __init__(self, store: MaskedObjectStore, shifted: bool = False) -> None:
        self.store, self.shifted = store, shifted

    def __len__(self) -> int:
        return len(self.store)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        item = self.store[index]
        if self.shifted:
            item = shift_domain(item, torch.Generator().manual_seed(self.store.seeds[index]))
        return tensors_of(item)


class SeededData(LightningDataModule):
    """Batches in a seeded order without end; a resumed run continues in it."""

    def __init__(self, *, batch_size: int, seed: int, workers: int = 0) -> None:
        super().__init__()
        self.batch_size, self.seed, self.workers = batch_size, seed, workers
        self.items: Dataset[Any]

    def train_dataloader(self) -> DataLoader[Any]:
        """Batch items."""
        count = len(self.items)  # type: ignore[arg-type]
        order = SeededSampler(count, self.seed, samples_seen(self.trainer, self.batch_size))
        return DataLoader(self.items, self.batch_size, sampler=order, num_workers=self.workers)


class WorldShapes(SeededData):
    """Shapes alone, for the VAE."""

    def __init__(self, *, world: WorldConfig, seeds: Sequence[int], resolution: int = 32, **loading: Any) -> None:
        super().__init__(**loading)
        self.items = Shapes(world, range(*seeds), resolution)


class WorldObjects(SeededData):
    """Masked objects of worlds, rendered once into a store that all runs share."""

    def __init__(
        self,
        *,
        objects: MaskedObjectConfig,
        seeds: Sequence[int],
        shifted: bool = False,
        stores: str = "outputs/worlds",
        **loading: Any,
    ) -> None:
        super().__init__(**loading)
        self.store = MaskedObjectStore(objects, range(*seeds), Path(stores))
        self.items = MaskedObjects(self.store, shifted)

    def prepare_data(self) -> None:
        """Render what is missing."""
        self.store.render()
