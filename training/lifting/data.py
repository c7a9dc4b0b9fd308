"""Training data of lifting: single shapes, and masked objects of worlds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import ConcatDataset, DataLoader, Dataset, default_collate

from scenes.arrangements.arrangement import ArrangementConfig
from scenes.arrangements.store import MeshObjectStore
from scenes.masked_object import ObjectStore
from scenes.meshes.sources import MeshSource
from scenes.worlds import WorldConfig
from scenes.worlds.layout import draw_object
from scenes.worlds.masked_objects import MaskedObjectConfig, MaskedObjectStore, distance_grid
from scenes.worlds.world_random import WorldRandom
from training.data import TrainingData
from training.lifting.batches import tensors_of
from training.lifting.domain_shift import shift_domain
from training.sampler import SeededSampler, samples_seen

REPLACED_AT_ONCE = 256  # held items


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
    """The tensors of masked objects; with `shifted`, each picture is changed by `shift_domain`."""

    def __init__(self, store: ObjectStore, shifted: bool = False) -> None:
        self.store, self.shifted = store, shifted

    def __len__(self) -> int:
        return len(self.store)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        item = self.store[index]
        if self.shifted:
            item = shift_domain(item, torch.Generator().manual_seed(self.store.seeds[index]))
        return tensors_of(item)


def stacked(items: Dataset[Any]) -> dict[str, Tensor]:
    """Stack all items; masked objects without a domain shift keep the half precision of their files."""
    if type(items) is MaskedObjects and not items.shifted:
        return items.store.stacked()
    count = len(items)  # type: ignore[arg-type]
    return default_collate([items[k] for k in range(count)])  # type: ignore[no-any-return]


class SeededData(TrainingData):
    """Endless batches in a seeded order, which a resumed training continues.

    Args:
        batch_size: items per step.
        seed: seed of the order.
        workers: processes that read items.
        hold: keep all items stacked on the device (139 kB per masked object of 96 x 96 pixels), so that a batch is
            gathered there, without workers and transfers.
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
        """Batch items, or their indices if they are held."""
        count = len(self.items)  # type: ignore[arg-type]
        order = SeededSampler(count, self.seed, samples_seen(self.trainer, self.batch_size))
        if self.held is not None:
            return DataLoader(range(count), self.batch_size, sampler=order)  # type: ignore[arg-type]
        return DataLoader(self.items, self.batch_size, sampler=order, num_workers=self.workers)

    def transfer_batch_to_device(self, batch: Any, device: torch.device, dataloader_idx: int) -> Any:
        """Move a batch to the device, or gather its rows from the held items."""
        if self.held is None:
            return super().transfer_batch_to_device(batch, device, dataloader_idx)
        rows = batch.to(device)
        self.held = {name: value.to(device) for name, value in self.held.items()}  # a transfer only the first time
        return {name: value[rows] for name, value in self.held.items()}

    def first(self, count: int, device: torch.device) -> dict[str, Tensor]:
        """Stack the first `count` items, or all if there are fewer."""
        if self.held is not None:
            return {name: value[:count].to(device) for name, value in self.held.items()}
        items = [self.items[k] for k in range(min(count, len(self.items)))]  # type: ignore[arg-type]
        return {name: value.to(device) for name, value in default_collate(items).items()}

    def replace(self, name: str, new_name: str, function: Callable[[Tensor], Tensor], device: torch.device) -> None:
        """Replace a held tensor by a function of it, so that it is computed once; does nothing without held items."""
        if self.held is not None and name in self.held:
            parts = self.held.pop(name).split(REPLACED_AT_ONCE)
            self.held[new_name] = torch.cat([function(part.to(device)) for part in parts])


class WorldShapes(SeededData):
    """Shapes without pictures, for the VAE."""

    def __init__(self, *, world: WorldConfig, seeds: Sequence[int], resolution: int = 32, **loading: Any) -> None:
        super().__init__(**loading)
        self.shapes = Shapes(world, range(*seeds), resolution)
        self.items = self.shapes

    def summary(self) -> str:
        """Describe the shapes for the model card."""
        return f"{len(self.shapes)} objects of procedural worlds"


class StoredObjects(SeededData):
    """Masked objects that are rendered once into a store that all runs share.

    Args:
        store: of the masked objects.
        shifted: whether each picture is changed by `shift_domain`.
        **loading: arguments of `SeededData`.
    """

    def __init__(self, store: ObjectStore, *, shifted: bool = False, **loading: Any) -> None:
        super().__init__(**loading)
        self.store: ObjectStore = store
        self.items = MaskedObjects(store, shifted)

    @property
    def stores(self) -> tuple[ObjectStore, ...]:
        """The store."""
        return (self.store,)

    def prepare_data(self) -> None:
        """Render missing objects."""
        self.store.render()

    def summary(self) -> str:
        """Describe the objects for the model card."""
        return self.store.about


class WorldObjects(StoredObjects):
    """Masked objects of procedural worlds.

    Args:
        objects: distribution of the masked objects.
        seeds: first and last (exclusive) seed of the objects.
        stores: folder of rendered objects.
        **loading: arguments of `StoredObjects`.
    """

    store: MaskedObjectStore

    def __init__(
        self, *, objects: MaskedObjectConfig, seeds: Sequence[int], stores: str = "outputs/worlds", **loading: Any
    ) -> None:
        super().__init__(MaskedObjectStore(objects, range(*seeds), Path(stores)), **loading)


class MeshObjects(StoredObjects):
    """Masked objects of meshes, arranged on floors, tables, shelves and stacks.

    Args:
        source: of the meshes: a folder, compositions, or both.
        arrangement: distribution of what is around them, and of the cameras.
        seeds: first and last (exclusive) seed; each object of the source is shown once in as many seeds as it has.
        stores: folder of rendered objects.
        **loading: arguments of `StoredObjects`.
    """

    def __init__(
        self,
        *,
        source: MeshSource,
        arrangement: ArrangementConfig,
        seeds: Sequence[int],
        stores: str = "outputs/meshes",
        **loading: Any,
    ) -> None:
        super().__init__(MeshObjectStore(source, arrangement, range(*seeds), Path(stores)), **loading)


class JoinedObjects(SeededData):
    """Masked objects of several kinds, one after the other.

    Args:
        parts: each kind, by name.
        **loading: arguments of `SeededData`; those of the parts are not used.
    """

    def __init__(self, *, parts: Mapping[str, StoredObjects], **loading: Any) -> None:
        super().__init__(**loading)
        self.parts = tuple(parts.values())
        self.items = ConcatDataset([part.items for part in self.parts])

    @property
    def stores(self) -> tuple[ObjectStore, ...]:
        """The store of each kind."""
        return tuple(part.store for part in self.parts)

    def prepare_data(self) -> None:
        """Render missing objects."""
        for part in self.parts:
            part.prepare_data()

    def summary(self) -> str:
        """Describe the objects for the model card."""
        return "; ".join(part.summary() for part in self.parts)
