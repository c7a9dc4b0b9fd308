"""Reading the next clip and writing the last one while the model runs on a third."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import UInt8
from torch import Tensor

from probes.extractors.slots import Features
from probes.features.store import FeatureStore

Read = Callable[[str], UInt8[Tensor, "time 3 height width"]]


@dataclass
class Claimed:
    """A clip that this process holds, until `claim` is closed, and its frames, which are being read."""

    stored: str
    name: str
    claim: ExitStack
    video: Future[UInt8[Tensor, "time 3 height width"]]


class Pipeline:
    """Claims missing clips in order, one ahead of the model, and writes features one behind it.

    One thread reads and one writes, so that at most two clips and the features of two are in memory. What is claimed
    is held until it is written; an error in either thread is raised in the main one.

    Args:
        stores: a store for each layer.
        last: the store whose locks count.
        read: reads the frames of a clip by its name.
        missing: stored name -> name.
    """

    def __init__(
        self, stores: Mapping[int, FeatureStore], last: FeatureStore, read: Read, missing: Mapping[str, str]
    ) -> None:
        self.stores, self.last = stores, last
        self._read, self._todo = read, iter(missing.items())
        self._reader, self._writer = ThreadPoolExecutor(1), ThreadPoolExecutor(1)
        self._held: list[ExitStack] = []
        self._writing: tuple[Claimed, Future[None]] | None = None

    def __enter__(self) -> Pipeline:
        return self

    def __exit__(self, kind: Any, *_: object) -> None:
        try:
            if kind is None:
                self._finish_writing()
        finally:
            self._reader.shutdown(cancel_futures=True)
            self._writer.shutdown()
            for claim in self._held:
                claim.close()

    def __iter__(self) -> Iterator[Claimed]:
        claimed = self._claim()
        while claimed is not None:
            ahead = self._claim()  # read while the model runs on this one
            yield claimed
            claimed = ahead

    def write(self, claimed: Claimed, features: Mapping[int, Features], dtype: torch.dtype) -> None:
        """Write the features of all layers in the background, once those of the clip before are written."""
        self._finish_writing()
        self._writing = claimed, self._writer.submit(self._write, claimed.stored, features, dtype)

    def _claim(self) -> Claimed | None:
        for stored, name in self._todo:
            claim = ExitStack()
            held = claim.enter_context(self.last.claim(stored))
            if held and any(stored not in store for store in self.stores.values()):
                self._held.append(claim)
                return Claimed(stored, name, claim, self._reader.submit(self._read, name))
            claim.close()
        return None

    def _write(self, stored: str, features: Mapping[int, Features], dtype: torch.dtype) -> None:
        for layer, store in self.stores.items():
            store.write(stored, features[layer], dtype)

    def _finish_writing(self) -> None:
        if self._writing is not None:
            claimed, writing = self._writing
            self._writing = None
            writing.result()
            self._held.remove(claimed.claim)
            claimed.claim.close()
