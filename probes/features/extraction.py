"""Filling feature stores: every clip of a set through an extractor, all layers in one forward."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from probes.clips.clip_sets import ClipSet
from probes.extractors.extractor import Extractor
from probes.features.controls import view_features
from probes.features.options import DTYPES, ExtractionOptions
from probes.features.pipeline import Pipeline
from probes.features.progress import Seen, bar_of
from probes.features.store import FeatureStore

WAIT_S = 0.5  # between looks at clips that other processes hold


def fill_stores(
    extractor: Extractor,
    clips: ClipSet,
    options: ExtractionOptions,
    root: str | Path,
    *,
    shard: tuple[int, int] = (0, 1),
    notes: Callable[[int], Mapping[str, Any]] = lambda layer: {},
    seen: Seen | None = None,
) -> dict[int, FeatureStore]:
    """Extract the missing features of all clips, and return a store for each layer (`root/layer<k>`).

    Only slots that a reader can ask for are kept. Several processes may fill one root at once; on a remote file system,
    which has no locks, give each its own `shard`. An interrupted fill continues where it stopped.

    Args:
        extractor: frozen model, on the device where it runs.
        clips: clips to extract.
        options: layers, noise level, control and dtype.
        root: folder or fsspec address.
        shard: (index, count): extract every count-th clip, from index on.
        notes: what the manifest of a layer's store records about the origin of its features.
        seen: told how far it is, at first and after each clip; None for a progress bar.

    Raises:
        ValueError: If a layer does not exist, a store holds the features of another extractor, or a clip is too short.
        OSError: If the disk has no room for the missing features.
    """
    layers, noise = list(options.layers), options.noise
    extractor.check(layers, noise)
    stores = {layer: FeatureStore(f"{root}/layer{layer}", options.key(extractor, layer, clips)) for layer in layers}
    for layer, store in stores.items():
        store.sign(notes(layer))
    last = stores[layers[-1]]  # written last: a clip that is in it is in the stores of all layers
    index, count = shard
    names = clips.names[index::count]
    with bar_of(extractor.name) if seen is None else nullcontext(seen) as seen:
        extracted, size_known = 0, False
        while missing := missing_anywhere(stores.values(), {clips.stored_name(name): name for name in names}):
            before, others = extracted, len(names) - len(missing) - extracted
            seen(len(names), others, extracted)
            with Pipeline(stores, last, lambda name: clips.clip(name).video, missing) as pipeline:
                for claimed in pipeline:
                    views, control = clips.kept(claimed.name), options.control
                    video = claimed.video.result()
                    features = view_features(extractor, video, views, layers, noise, control, claimed.name)
                    if not size_known:  # it is after the first clip
                        shape = features[layers[-1]].values.shape
                        last.refuse_if_full(shape, DTYPES[options.dtype], len(missing) * len(layers))
                        size_known = True
                    pipeline.write(claimed, features, DTYPES[options.dtype])
                    extracted += 1
                    seen(len(names), others, extracted)
            if extracted == before:
                time.sleep(WAIT_S)  # other processes hold everything that is missing
        seen(len(names), len(names) - extracted, extracted)
    last.remove_locks()
    return stores


def missing_anywhere(stores: Iterable[FeatureStore], clips: Mapping[str, str]) -> dict[str, str]:
    """List the clips (stored name -> name) that some store lacks, in order."""
    lacking = {stored for store in stores for stored in store.missing(list(clips))}
    return {stored: name for stored, name in clips.items() if stored in lacking}
