"""Rendered worlds on disk: safetensors shards, written once by several processes and read by memory map."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from scenes.clip import Clip, ObjectTruth, Truth
from scenes.worlds.layout import make_world
from scenes.worlds.rendering.render import Signal, render
from scenes.worlds.world import WorldConfig

DEFAULT_ROOT = Path("outputs/worlds")
SHARD = 128  # worlds in a file
BATCH = 8  # worlds rendered at once; larger ones leave the processor cache
NOTE = "world_store"  # metadata entry of a shard
OF_CLIP = ("video", "seconds", "depth", "intrinsics", "world_T_cam")
OF_TRUTH = ("instances", "normals", "backward_flow", "backward_valid", "forward_flow", "forward_valid", "moving")
OF_OBJECTS = ("world_T_obj", "speed")  # ragged: all objects of a shard in one row of tensors, by `first_object`


class WorldStore:
    """A sequence of clips, one for each seed; `store[i]` reads one clip from its shard.

    Shards lie in a folder named after a hash of the config, the signals and the source of the generator, so that a
    changed generator never meets old files. Stores with overlapping seeds share shards.
    """

    def __init__(
        self, config: WorldConfig, seeds: range, signals: Sequence[Signal] = (), root: Path = DEFAULT_ROOT
    ) -> None:
        if seeds.step != 1 or seeds.start < 0 or not len(seeds):
            raise ValueError(f"seeds must be a range of consecutive numbers from 0 upwards, got {seeds}")
        self.config, self.seeds, self.signals = config, seeds, tuple(signals)
        self.key = store_key(config, self.signals)
        self.folder = root / self.key
        self._open: dict[int, Any] = {}

    def __len__(self) -> int:
        return len(self.seeds)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_open": {}}  # memory maps stay in their process

    def __iter__(self) -> Iterator[Clip]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, index: int) -> Clip:
        """Read the clip of the index-th seed.

        Raises:
            FileNotFoundError: if its shard was not rendered yet.
        """
        shard, row = divmod(self.seeds[index], SHARD)
        if shard not in self._open:
            self._open[shard] = self._read(shard)
        return read_clip(self._open[shard], row, f"world-{self.seeds[index]}")

    def render(self, workers: int = 2) -> None:
        """Render the shards that are missing or damaged, with a progress bar; may be stopped and called again."""
        missing = [s for s in self._shards() if not self._is_whole(s)]
        if not missing:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        jobs = [(self.config, self.signals, self.key, shard, self._path(shard)) for shard in missing]
        columns = (TextColumn("rendering worlds"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns) as progress:
            task = progress.add_task("", total=len(missing) * SHARD)
            if workers <= 1:
                for job in jobs:
                    write_shard(*job)
                    progress.advance(task, SHARD)
                return
            pool = ProcessPoolExecutor(
                min(workers, len(jobs)), get_context("spawn"), initializer=torch.set_num_threads, initargs=(1,)
            )
            try:
                for done in as_completed([pool.submit(write_shard, *job) for job in jobs]):
                    done.result()
                    progress.advance(task, SHARD)
            finally:
                pool.shutdown(cancel_futures=True)

    def _shards(self) -> range:
        return range(self.seeds[0] // SHARD, self.seeds[-1] // SHARD + 1)

    def _path(self, shard: int) -> Path:
        return self.folder / f"shard-{shard:06d}.safetensors"

    def _is_whole(self, shard: int) -> bool:
        try:
            self._read(shard)
        except (FileNotFoundError, ValueError):
            return False
        return True

    def _read(self, shard: int) -> Any:
        path = self._path(shard)
        if not path.is_file():
            raise FileNotFoundError(f"{path} is not rendered yet: call WorldStore.render() first")
        try:
            file = safe_open(path, "pt")
        except SafetensorError as error:
            raise ValueError(f"{path} is damaged ({error}): call WorldStore.render() again") from error
        found = shard_note(file)["key"]
        if found != f"{self.key}/{shard}":
            raise ValueError(f"{path} holds {found}, not {self.key}/{shard}: call WorldStore.render() again")
        return file


def store_key(config: WorldConfig, signals: Sequence[Signal]) -> str:
    """Hash what determines the bytes of a shard."""
    text = json.dumps([asdict(config), sorted(signals), SHARD, source_digest()], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@cache
def source_digest() -> str:
    """Hash the source files of the generator."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def write_shard(config: WorldConfig, signals: tuple[Signal, ...], key: str, shard: int, path: Path) -> None:
    """Render the worlds of one shard and write it in one step: a file under its final name is complete."""
    seeds = range(shard * SHARD, (shard + 1) * SHARD)
    clips: list[Clip] = []
    for start in range(0, SHARD, BATCH):
        clips += render([make_world(seed, config) for seed in seeds[start : start + BATCH]], "cpu", signals)
    truths = [clip.truth for clip in clips if clip.truth is not None]
    tensors: dict[str, Tensor] = {}
    for name in OF_CLIP:
        tensors[name] = torch.stack([getattr(clip, name) for clip in clips])
    for name in OF_TRUTH:
        if getattr(truths[0], name) is not None:
            tensors[name] = torch.stack([getattr(truth, name) for truth in truths])
    for name in OF_OBJECTS:
        tensors[name] = torch.cat([getattr(truth, name).transpose(0, 1) for truth in truths]).contiguous()
    counts = torch.tensor([0] + [len(truth.objects) for truth in truths])
    tensors["first_object"] = counts.cumsum(0)
    objects = [[asdict(o) for o in truth.objects] for truth in truths]
    note = json.dumps({"key": f"{key}/{shard}", "objects": objects})  # one entry: safetensors shuffles several
    unfinished = path.with_suffix(f".{os.getpid()}.tmp")
    save_file(tensors, unfinished, {NOTE: note})
    unfinished.replace(path)


def read_clip(file: Any, row: int, name: str) -> Clip:
    """Read one clip out of an open shard; only its own bytes are touched."""
    first, last = file.get_slice("first_object")[row : row + 2].tolist()
    present = set(file.keys())
    truth = {key: file.get_slice(key)[row] for key in OF_TRUTH if key in present}
    truth |= {key: file.get_slice(key)[first:last].transpose(0, 1) for key in OF_OBJECTS}
    objects = tuple(
        ObjectTruth(**(described | {"size": tuple(described["size"])}))
        for described in shard_note(file)["objects"][row]
    )
    clip = {key: file.get_slice(key)[row] for key in OF_CLIP}
    return Clip(**clip, truth=Truth(objects=objects, **truth), name=name)


@cache
def shard_note(file: Any) -> dict[str, Any]:
    """Parse what an open shard says of itself, once: its key, and the objects of each clip."""
    note: dict[str, Any] = json.loads((file.metadata() or {}).get(NOTE, '{"key": "something else", "objects": []}'))
    return note
