"""Features on disk or behind any fsspec address: one safetensors file per clip, of which single slots can be read."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from math import prod
from pathlib import Path
from typing import Any
from uuid import uuid4

import fsspec
import torch
from jaxtyping import Float
from safetensors.torch import save
from torch import Tensor

from probes.extractors.slots import Features, SlotMap
from probes.features.memory import cast_into, empty_hugepage, read_into
from probes.features.safetensors_ranges import TensorRange, read_header, read_ranges, read_tensor
from scenes.storage.atomic import new_file
from scenes.storage.locks import locked

NAME = "features"  # the tensor of features in a file
SCALE = "scale"  # the tensor that 8-bit features are multiplied by, one factor per channel
MANIFEST = "manifest.json"
SUFFIX = ".safetensors"
LOCK = ".lock"  # behind the name of a clip's file
LEVELS = 127  # of 8-bit features, to each side of 0
RESERVED_DISK = 0.02  # share of a disk that an extraction leaves free


@dataclass(frozen=True)
class StoredClip:
    """The byte range of a clip's features in their file, and the frames that their slots encode."""

    features: TensorRange
    slots: SlotMap
    scale: Float[Tensor, "channel"] | None = None  # of 8-bit features

    @property
    def slot_bytes(self) -> int:
        """Size of one slot."""
        return prod(self.features.shape[1:]) * self.features.dtype.itemsize


class FeatureStore:
    """The features of many clips under one extractor.

    `key` names everything that determines them (model, layer, noise, frames); it is written into every file and checked
    at every read, so that the features of two extractors are never confused. A file under its final name is complete.
    Several processes may fill one store: `claim` locks a clip. A remote file system (an address with `://`) has no
    locks: divide the clips among the processes instead.

    Args:
        root: folder or fsspec address.
        key: key of the extractor.
    """

    def __init__(self, root: str | Path, key: str) -> None:
        self.root, self.key = str(root).rstrip("/"), key
        self.files, self.folder = fsspec.core.url_to_fs(self.root)
        self.local = "://" not in self.root
        self._header = cache(self._read_header)

    @classmethod
    def open(cls, root: str | Path) -> FeatureStore:
        """Open a store by its manifest.

        Raises:
            FileNotFoundError: If there is no manifest.
        """
        return cls(root, read_notes(root)["key"])

    def sign(self, notes: Mapping[str, Any]) -> None:
        """Write the manifest of the store: its key, and the origin of its features.

        Raises:
            ValueError: If the root holds the features of another extractor.
        """
        path = f"{self.folder}/{MANIFEST}"
        if self.files.exists(path):
            if (stored := read_notes(self.root)["key"]) != self.key:
                raise ValueError(f"{self.root} holds features of '{stored}', not of '{self.key}': name another folder")
            return
        self._put(path, json.dumps({"key": self.key, **notes}, indent=2).encode())

    def notes(self) -> dict[str, Any]:
        """Read the manifest, without the record of the command that made it."""
        return {name: value for name, value in read_notes(self.root).items() if name != "made"}

    def __contains__(self, clip: str) -> bool:
        self.files.invalidate_cache(self.folder)  # an object store's cached listing lacks new clips of others
        return bool(self.files.exists(self._path(clip)))

    def missing(self, clips: Sequence[str]) -> list[str]:
        """List the clips that the store lacks, in order."""
        listed = {Path(path).name for path in self.files.ls(self.folder, detail=False)} if self._exists() else set()
        return [clip for clip in clips if clip + SUFFIX not in listed]

    @contextmanager
    def claim(self, clip: str) -> Iterator[bool]:
        """Lock a clip while its features are extracted; yields False if another process holds the lock.

        Check again whether the clip is missing once it is locked: another process may just have written it.
        """
        if not self.local:
            yield True
            return
        with locked(Path(self._path(clip) + LOCK)) as held:
            yield held

    def remove_locks(self) -> None:
        """Remove the locks that killed processes left beside their clips; those that are held stay."""
        for file in Path(self.folder).glob(f"*{SUFFIX}{LOCK}") if self.local else ():
            with locked(file):
                pass

    def write(self, clip: str, features: Features, dtype: torch.dtype | None = None) -> None:
        """Write the features of a clip atomically, as they are or in another type.

        int8 halves the size of float16: every channel is divided by its largest absolute value in the clip over 127 and
        rounded, so that the error is at most 0.4 % of that value.

        Raises:
            ValueError: If the features are not finite in that type.
            OSError: If the disk is full; no partial file remains.
        """
        tensors = {NAME: features.values if dtype in (None, torch.int8) else features.values.to(dtype)}
        if not bool(tensors[NAME].isfinite().all()):
            raise ValueError(f"features of clip {clip} are not finite in {tensors[NAME].dtype}: store a wider type")
        if dtype == torch.int8:
            tensors = quantise(features.values)
        notes = {"key": self.key, "frames": json.dumps(features.slots.frames)}
        data = save({name: tensor.contiguous() for name, tensor in tensors.items()}, {"store": json.dumps(notes)})
        self._put(self._path(clip), data)

    def read(
        self, clip: str, slots: Sequence[int], dtype: torch.dtype | None = None
    ) -> Float[Tensor, "slot rows cols channel"]:
        """Read some slots of a clip, and no byte of the others, in the type of the store or in a wider one.

        8-bit features are returned in float32.

        Raises:
            FileNotFoundError: If the clip is not in the store.
            ValueError: If its file is of another extractor or damaged, or a slot does not exist.
        """
        stored = self._header(clip)
        count, *shape = stored.features.shape
        if unknown := [slot for slot in slots if not 0 <= slot < count]:
            raise ValueError(f"clip {clip} has slots 0 to {count - 1}, not {unknown[0]}")
        starts = [stored.features.start + slot * stored.slot_bytes for slot in slots]
        stored_dtype = stored.features.dtype
        wanted = torch.float32 if stored.scale is not None else dtype or stored_dtype
        values = empty_hugepage((len(slots), *shape), wanted)
        buffer = empty_hugepage(shape, stored_dtype) if wanted != stored_dtype else None  # one slot, before its cast
        remote = None if self.local else read_ranges(self.files, self._path(clip), starts, stored.slot_bytes)
        for k, (row, start) in enumerate(zip(values, starts, strict=True)):
            target = row if buffer is None else buffer
            if remote is None:
                read_into(self._path(clip), start, target)
            else:
                target.copy_(torch.frombuffer(bytearray(remote[k]), dtype=stored_dtype).view(target.shape))
            if buffer is not None:
                cast_into(row, target, stored.scale)
        return values

    def read_frames(
        self, clip: str, frames: Sequence[int], dtype: torch.dtype | None = None
    ) -> Float[Tensor, "frame rows cols channel"]:
        """Read the slots of some frames; raises as `read`, and ValueError for a frame that no slot encodes."""
        try:
            slots = self._header(clip).slots.slots_of(frames)
        except ValueError as error:
            raise ValueError(f"{self._path(clip)}: {error}") from error
        return self.read(clip, slots, dtype)

    def slots(self, clip: str) -> SlotMap:
        """Return the frames that the slots of a clip encode."""
        return self._header(clip).slots

    def channels(self, clip: str) -> int:
        """Return the number of channels of the features."""
        return self._header(clip).features.shape[-1]

    def refuse_if_full(self, shape: Sequence[int], dtype: torch.dtype, clips: int) -> int:
        """Estimate the size in bytes of `clips` of one shape, before they are extracted.

        Raises:
            OSError: If the disk has less space.
        """
        wanted = clips * prod(shape) * dtype.itemsize
        if self.local:
            folder = Path(self.folder).absolute()
            while not folder.exists():
                folder = folder.parent
            disk = shutil.disk_usage(folder)
            if wanted > disk.free - RESERVED_DISK * disk.total:
                raise OSError(
                    f"features of {clips} clips take {wanted / 1e9:.1f} GB, and {self.root} has "
                    f"{disk.free / 1e9:.1f} GB left: name another folder, or extract fewer clips or layers"
                )
        return wanted

    def _put(self, path: str, data: bytes) -> None:
        if self.local:
            with new_file(path) as file:
                file.write_bytes(data)
            return
        self.files.makedirs(self.folder, exist_ok=True)
        draft = f"{path}.{uuid4().hex}.tmp"
        try:
            self.files.pipe_file(draft, data)
            self.files.mv(draft, path)
        except OSError as error:
            raise OSError(f"cannot write {len(data):,} bytes of features to {self.root}: {error}") from error
        finally:
            if self.files.exists(draft):
                self.files.rm(draft)

    def _path(self, clip: str) -> str:
        return f"{self.folder}/{clip}{SUFFIX}"

    def _exists(self) -> bool:
        return bool(self.files.exists(self.folder))

    def _read_header(self, clip: str) -> StoredClip:
        path = self._path(clip)
        if clip not in self:
            raise FileNotFoundError(f"no features of clip {clip} in {self.root}: extract them first")
        try:
            header = read_header(self.files, path)
            notes, scale = json.loads(header.metadata["store"]), header.tensors.get(SCALE)
            stored = StoredClip(
                features=header.tensors[NAME],
                slots=SlotMap(tuple(tuple(slot) for slot in json.loads(notes["frames"]))),
                scale=None if scale is None else read_tensor(self.files, path, scale),
            )
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise ValueError(f"{path} is damaged ({error}): remove it and extract the clip again") from error
        if notes["key"] != self.key:
            raise ValueError(f"{path} holds features of '{notes['key']}', not of '{self.key}': use another folder")
        return stored


def quantise(values: Float[Tensor, "slot rows cols channel"]) -> dict[str, Tensor]:
    """Quantise features to 8 bits, channel by channel (see `FeatureStore.write`)."""
    scale = (values.float().abs().amax((0, 1, 2)) / LEVELS).clamp_min(torch.finfo(torch.float32).tiny)
    return {NAME: (values.float() / scale).round().clamp(-LEVELS, LEVELS).to(torch.int8), SCALE: scale}


def read_notes(root: str | Path) -> dict[str, Any]:
    """Read the manifest of a store.

    Raises:
        FileNotFoundError: If there is no manifest.
        ValueError: If it is damaged.
    """
    files, folder = fsspec.core.url_to_fs(str(root))
    path = f"{folder.rstrip('/')}/{MANIFEST}"
    if not files.exists(path):
        raise FileNotFoundError(f"{root} holds no features: `region4d extract extractor=... output=...` writes them")
    try:
        notes: dict[str, Any] = json.loads(files.cat_file(path))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is damaged ({error}): remove the store and extract again") from error
    if not (isinstance(notes, dict) and isinstance(notes.get("key"), str)):
        raise ValueError(f"{path} names no extractor: remove the store and extract again")
    return notes
