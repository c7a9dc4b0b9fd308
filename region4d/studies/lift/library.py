"""The training objects of the lifting baselines: measured once, stored in a folder, mapped by every process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.progress import track

from benchmarks.lifting.baselines import VERSION
from benchmarks.lifting.library import Library
from scenes.storage.atomic import new_folder
from scenes.worlds.masked_objects import MaskedObjectStore

DISTANCES, MEASURES = "distances.npy", "measures.npz"
TENSORS, ARRAYS, NUMBERS = (
    ("mean_distance", "views"),
    ("mean_rotation", "scales", "centres", "rotations"),
    ("mean_scale", "mean_depth"),
)


def library_folder(store: MaskedObjectStore) -> Path:
    """Name the folder of a store's library, beside the stores."""
    seeds = store.seeds
    return store.folder.parent / f"library{VERSION}-{store.key}-{seeds.start}-{seeds.stop}"


def keep_library(store: MaskedObjectStore, workers: int) -> None:
    """Measure the objects of a store and write the result, unless it exists."""
    if library_folder(store).is_dir():
        return
    store.render(workers)
    library = Library.fit(track(store, "training objects of the baselines", total=len(store)))
    measures = {name: getattr(library, name) for name in (*ARRAYS, *NUMBERS)}
    measures |= {name: getattr(library, name).numpy() for name in TENSORS}
    with new_folder(library_folder(store)) as draft:
        np.savez(draft / MEASURES, **measures)
        shape = (len(library), *library.distances[0].shape)
        distances = np.lib.format.open_memmap(draft / DISTANCES, "w+", np.float16, shape)
        for number, distance in enumerate(library.distances):
            distances[number] = distance.numpy()
        distances.flush()


def read_library(store: MaskedObjectStore) -> Library:
    """Read a stored library; its distances, which can be gigabytes, are mapped and not copied."""
    folder = library_folder(store)
    with np.load(folder / MEASURES) as measures:
        held: dict[str, Any] = {name: torch.from_numpy(measures[name]) for name in TENSORS}
        held |= {name: measures[name] for name in ARRAYS}
        held |= {name: float(measures[name]) for name in NUMBERS}
    distances = list(torch.from_numpy(np.load(folder / DISTANCES, mmap_mode="c")))  # views
    return Library(**held, distances=distances)
