"""Training data of lifting: shapes alone, and masked objects of worlds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, default_collate

from scenes.worlds import WorldConfig
from scenes.worlds.layout import draw_object
from scenes.worlds.masked_objects import MaskedObjectConfig, MaskedObjectStore, distance_grid
from scenes.worlds.world_random import WorldRandom
from training.data import TrainingData
from training.lifting.batches import tensors_of
from training.lifting.domain_shift import shift_domain
from training.sampler import SeededSampler, samples_seen

REPLACED_AT_ONCE = 256  # held items that are replaced at once


class Shapes(Dataset[dict[str, Tensor]]):
    """Signed distances of random objects of worlds, one for each seed, drawn on access."""

    def __init__(self, world: WorldConfig, seeds: range, resolution: int) -> None:
        self.world, self.seeds, self.resolution = world, seeds, resolution

    def __len__(self) -> int:
        return len(self.seeds)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        return {
            "distance": distance_grid(draw_object(WorldRandom(self.seeds[index]), self.world, 1.0), self.resolution)
        }


class MaskedObjects(Dataset[dict[str, Tensor]]):
    """The tensors of masked objects; `shifted` perturbs each picture like a camera of another domain."""

    def __init__(self, store: MaskedObjectStore, shifted: bool = False) -> None:
        self.store, self.shifted = store, shifted

    def __len__(self) -> int:
        return len(self.store)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        item = self.store[index]
        if self.shifted:
            item = shift_domain(item, torch.Generator().manual_seed(self.store.seeds[index]))
        return tensors_of(item)


def stacked(items: Dataset[Any]) -> dict[str, Tensor]:
    """Stack all items; unshifted masked objects are read as they are on disk, with distances in half precision."""
    if type(items) is MaskedObjects and not items.shifted:
        return items.store.stacked()
    count = len(items)  # type: ignore[arg-type]
    return default_collate([items[k] for k in range(count)])  # type: ignore[no-any-return]


class SeededData(TrainingData):
    """Endless batches in a seeded order, which a resumed run continues.

    Args:
        batch_size: items in a step.
        seed: of the order.
        workers: processes that read items.
        hold: keep all items stacked on the device (139 kB a masked object of 96 x 96 pixels), so that a batch is a
            choice of rows, without workers and transfers.
    """

    def __init__(self, *, batch_size: int, seed: int, workers: int = 0, hold: bool = False) -> None:
        super().__init__()
        self.batch_size, self.seed, self.workers, self.hold = batch_size, seed, workers, hold
        self.items: Dataset[Any]
        self.held: dict[str, Tensor] | None = None

    def setup(self, stage: str) -> None:
        """Read all items, if `hold` is set."""
        if self.hold and self.held is None:
            self.held = stacked(self.items)

    def train_dataloader(self) -> DataLoader[Any]:
        """Batch items, or their numbers where they are held."""
        count = len(self.items)  # type: ignore[arg-type]
        order = SeededSampler(count, self.seed, samples_seen(self.trainer, self.batch_size))
        if self.held is not None:
            return DataLoader(range(count), self.batch_size, sampler=order)  # type: ignore[arg-type]
        return DataLoader(self.items, self.batch_size, sampler=order, num_workers=self.workers)

    def transfer_batch_to_device(self, batch: Any, device: torch.device, dataloader_idx: int) -> Any:
        """Move a batch, or choose its rows."""
        if self.held is None:
            return super().transfer_batch_to_device(batch, device, dataloader_idx)
        rows = batch.to(device)
        self.held = {name: value.to(device) for name, value in self.held.items()}  # moves once
        return {name: value[rows] for name, value in self.held.items()}

    def first(self, count: int, device: torch.device) -> dict[str, Tensor]:
        """Stack the first items, or all if there are fewer."""
        if self.held is not None:
            return {name: value[:count].to(device) for name, value in self.held.items()}
        items = [self.items[k] for k in range(min(count, len(self.items)))]  # type: ignore[arg-type]
        return {name: value.to(device) for name, value in default_collate(items).items()}

    def replace(self, name: str, other: str, by: Callable[[Tensor], Tensor], device: torch.device) -> None:
        """Replace a held tensor by a function of it, so that no step computes it again."""
        if self.held is not None and name in self.held:
            self.held[other] = torch.cat([by(some.to(device)) for some in self.held.pop(name).split(REPLACED_AT_ONCE)])


class WorldShapes(SeededData):
    """Shapes alone, for the VAE."""

    def __init__(self, *, world: WorldConfig, seeds: Sequence[int], resolution: int = 32, **loading: Any) -> None:
        super().__init__(**loading)
        self.shapes = Shapes(world, range(*seeds), resolution)
        self.items = self.shapes

    def summary(self) -> str:
        """Name the shapes."""
        return f"{len(self.shapes)} objects of procedural worlds"


class WorldObjects(SeededData):
    """Masked objects of worlds, rendered once into a store that all runs share.

    Args:
        objects: what they are drawn from.
        seeds: of the objects: first, and behind the last.
        shifted: change each picture as another domain would.
        stores: folder of rendered objects.
        loading: of `SeededData`.
    """

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
        """Render the objects that are missing from the store."""
        self.store.render()

    def summary(self) -> str:
        """Name the objects."""
        return summarize_objects(self.store)


def summarize_objects(store: MaskedObjectStore) -> str:
    """Name masked objects, for a model card."""
    world = store.config.world
    return f"{len(store)} masked objects of procedural worlds ({world.height} x {world.width} pixels)"
