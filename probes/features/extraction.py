"""Filling feature stores: every clip of a set through an extractor, all layers in one forward."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from probes.clips.clip_sets import ClipSet
from probes.extractors.extractor import Extractor
from probes.extractors.noise import Noise
from probes.features.controls import view_features
from probes.features.feature_store import FeatureStore

WAIT = 0.5  # seconds between looks at clips that others hold
TYPES = {"float16": torch.float16, "bfloat16": torch.bfloat16, "float32": torch.float32, "int8": torch.int8}


def fill_stores(
    extractor: Extractor,
    clips: ClipSet,
    layers: Sequence[int],
    root: str | Path,
    *,
    noise: Noise | None = None,
    control: str | None = None,
    dtype: str = "float16",
    share: tuple[int, int] = (0, 1),
    notes: Callable[[int], Mapping[str, Any]] = lambda layer: {},
) -> dict[int, FeatureStore]:
    """Extract what is missing of all clips, and return a store for each layer (`root/layer<k>`).

    Only slots that can be asked for are kept. Several processes may fill one place at once; on a remote file system,
    which has no locks, give each a `share` (number, count) of the clips. An interrupted fill continues where it was.

    Args:
        extractor: frozen model, on the device where it is to run.
        clips: what is extracted.
        layers: blocks that are read.
        root: folder or fsspec address.
        noise: level of a diffusion model.
        control: see `probes.features.controls`.
        dtype: of the stored features: float16, bfloat16, float32, or int8 with a scale a channel.
        share: which part of the clips, of how many.
        notes: what a layer's manifest says of where its features come from.

    Raises:
        ValueError: there is no such layer, or type; a place holds the features of another extractor; a clip is too
            short.
        OSError: the disk has no room for what is missing.
    """
    if dtype not in TYPES:
        raise ValueError(f"features are stored as {', '.join(TYPES)}, not as {dtype}")
    extractor.check(layers, noise)
    stores = {
        layer: FeatureStore(f"{root}/layer{layer}", f"{extractor.key(layer, noise)}/{control or 'plain'}/{clips.key}")
        for layer in layers
    }
    for layer, store in stores.items():
        store.sign(notes(layer))
    last = stores[layers[-1]]  # written last: where it is there, a fill that was killed left no other layer out
    mine = clips.names[share[0] :: share[1]]
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns) as progress:
        bar = progress.add_task(f"features of {extractor.name}", total=len(mine))
        checked = False
        while missing := missing_anywhere(stores.values(), mine):
            made = 0
            for name in missing:
                with last.claim(name) as held:
                    if held and any(name not in store for store in stores.values()):
                        video, views = clips.clip(name).video, clips.kept(name)
                        found = view_features(extractor, video, views, layers, noise, control, name)
                        if not checked:  # now that the size is known
                            shape = found[layers[-1]].values.shape
                            last.refuse_if_full(shape, TYPES[dtype], len(missing) * len(layers))
                            checked = True
                        for layer in layers:
                            stores[layer].write(name, found[layer], TYPES[dtype])
                        made += 1
                progress.update(bar, completed=len(mine) - len(missing) + made)
            if not made:
                time.sleep(WAIT)  # others hold all that is missing
        progress.update(bar, completed=len(mine))
    return stores


def missing_anywhere(stores: Iterable[FeatureStore], clips: Sequence[str]) -> list[str]:
    """List the clips that some store lacks, in order."""
    lacking = {name for store in stores for name in store.missing(clips)}
    return [name for name in clips if name in lacking]
