"""Features on disk, or behind any fsspec address: one safetensors file a clip, of which a reader takes single slots."""

from __future__ import annotations

import json
import shutil
import struct
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
from filelock import FileLock, Timeout
from jaxtyping import Float
from safetensors.torch import save
from torch import Tensor

from probes.extractors.slots import Features, SlotMap
from probes.features.memory import read_into, roomy, widen_into

NAME = "features"  # of the tensor in a file
SCALE = "scale"  # of what 8-bit features are multiplied by, one factor a channel
MANIFEST = "manifest.json"
SUFFIX = ".safetensors"
TYPES = {"F16": torch.float16, "BF16": torch.bfloat16, "F32": torch.float32, "I8": torch.int8}
LEVELS = 127  # of 8-bit features, to each side of 0
HEAD = 8  # bytes that hold the length of a file's header
RESERVE = 0.02  # of a disk, that a run leaves free


@dataclass(frozen=True)
class Header:
    """Where the features of a clip lie in their file, and which frames their slots have seen."""

    dtype: torch.dtype
    shape: tuple[int, int, int, int]
    start: int  # first byte of slot 0
    slots: SlotMap
    scale: Float[Tensor, "channel"] | None = None  # of 8-bit features

    @property
    def slot_bytes(self) -> int:
        """Size of one slot."""
        return prod(self.shape[1:]) * self.dtype.itemsize


class FeatureStore:
    """The features of many clips under one extractor.

    `key` names what determined them (model, layer, noise, frames); it is written into every file and checked at every
    reading, so that features of another extractor are never taken for these. A file under its final name is whole.
    Several writers may fill one store: `claim` tells whether a clip is theirs. On a remote file system (an address with
    `://`) there are no locks: deal the clips out instead.

    Args:
        root: folder, or fsspec address.
        key: of the extractor.
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
            FileNotFoundError: there is none.
        """
        return cls(root, read_notes(root)["key"])

    def sign(self, notes: Mapping[str, Any]) -> None:
        """Write the manifest of the store: its key, and where its features come from.

        Raises:
            ValueError: the place holds the features of another extractor.
        """
        path = f"{self.folder}/{MANIFEST}"
        if self.files.exists(path):
            if (found := read_notes(self.root)["key"]) != self.key:
                raise ValueError(f"{self.root} holds features of '{found}', not of '{self.key}': name another folder")
            return
        self._put(path, json.dumps({"key": self.key, **notes}, indent=2).encode())

    def notes(self) -> dict[str, Any]:
        """Read the manifest, without what made it."""
        return {name: value for name, value in read_notes(self.root).items() if name != "made"}

    def __contains__(self, clip: str) -> bool:
        self.files.invalidate_cache(self.folder)  # object stores answer from an old listing, without others' clips
        return bool(self.files.exists(self._path(clip)))

    def missing(self, clips: Sequence[str]) -> list[str]:
        """List the clips whose features are not there yet, in order."""
        there = {Path(path).name for path in self.files.ls(self.folder, detail=False)} if self._exists() else set()
        return [clip for clip in clips if clip + SUFFIX not in there]

    @contextmanager
    def claim(self, clip: str) -> Iterator[bool]:
        """Hold a clip while its features are made; yields False where another writer holds it.

        Look again whether they are missing once it is held: another writer may just have let go of it.
        """
        if not self.local:
            yield True
            return
        Path(self.folder).mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(self._path(clip) + ".lock", timeout=0):
                yield True
        except Timeout:
            yield False

    def write(self, clip: str, features: Features, dtype: torch.dtype | None = None) -> None:
        """Write the features of a clip in one step, as they are or in another type.

        int8 takes half of what float16 takes: every channel is divided by its largest value in the clip over 127, and
        rounded, so that an error is at most 0.4 % of the largest value of its channel.

        Raises:
            ValueError: they are not finite in that type.
            OSError: the disk is full; nothing is left of the file.
        """
        tensors = {NAME: features.values if dtype in (None, torch.int8) else features.values.to(dtype)}
        if not bool(tensors[NAME].isfinite().all()):
            raise ValueError(f"features of clip {clip} are not finite in {tensors[NAME].dtype}: store a wider type")
        if dtype == torch.int8:
            tensors = quantised(features.values)
        notes = {"key": self.key, "frames": json.dumps(features.slots.frames)}
        data = save({name: tensor.contiguous() for name, tensor in tensors.items()}, {"store": json.dumps(notes)})
        self._put(self._path(clip), data)

    def read(
        self, clip: str, slots: Sequence[int], dtype: torch.dtype | None = None
    ) -> Float[Tensor, "slot rows cols channel"]:
        """Read some slots of a clip, and no byte of the others, in the type of the store or in a wider one.

        Features of 8 bits come in float32.

        Raises:
            FileNotFoundError: the clip is not in the store.
            ValueError: its file was made by another extractor, or is damaged, or has no such slot.
        """
        header = self._header(clip)
        if strange := [slot for slot in slots if not 0 <= slot < header.shape[0]]:
            raise ValueError(f"clip {clip} has slots 0 to {header.shape[0] - 1}, not {strange[0]}")
        starts = [header.start + slot * header.slot_bytes for slot in slots]
        wanted = torch.float32 if header.scale is not None else dtype or header.dtype
        values = roomy((len(slots), *header.shape[1:]), wanted)
        narrow = roomy(header.shape[1:], header.dtype) if wanted != header.dtype else None  # one slot after another
        remote = None if self.local else self._ranges(clip, starts, header.slot_bytes)
        for k, (row, start) in enumerate(zip(values, starts, strict=True)):
            there = row if narrow is None else narrow
            if remote is None:
                read_into(self._path(clip), start, there)
            else:
                there.copy_(torch.frombuffer(bytearray(remote[k]), dtype=header.dtype).view(there.shape))
            if narrow is not None:
                widen_into(row, there, header.scale)
        return values

    def _ranges(self, clip: str, starts: Sequence[int], length: int) -> list[bytes]:
        ends = [start + length for start in starts]
        parts: list[bytes] = self.files.cat_ranges([self._path(clip)] * len(starts), starts, ends, on_error="raise")
        return parts

    def read_frames(
        self, clip: str, frames: Sequence[int], dtype: torch.dtype | None = None
    ) -> Float[Tensor, "frame rows cols channel"]:
        """Read the slots that have seen some frames (see `read`)."""
        return self.read(clip, self._header(clip).slots.slots_of(frames), dtype)

    def slots(self, clip: str) -> SlotMap:
        """Tell which frames the slots of a clip have seen."""
        return self._header(clip).slots

    def channels(self, clip: str) -> int:
        """Tell the width of the features."""
        return self._header(clip).shape[-1]

    def refuse_if_full(self, shape: Sequence[int], dtype: torch.dtype, clips: int) -> int:
        """Estimate the bytes that `clips` of one shape will take, before they are made.

        Raises:
            OSError: the disk does not have them.
        """
        wanted = clips * prod(shape) * dtype.itemsize
        if self.local:
            place = Path(self.folder).absolute()
            while not place.exists():
                place = place.parent
            disk = shutil.disk_usage(place)
            if wanted > disk.free - RESERVE * disk.total:
                raise OSError(
                    f"features of {clips} clips take {wanted / 1e9:.1f} GB, and {self.root} has "
                    f"{disk.free / 1e9:.1f} GB left: name another place, or take fewer clips, layers or noise levels"
                )
        return wanted

    def _put(self, path: str, data: bytes) -> None:
        self.files.makedirs(self.folder, exist_ok=True)
        draft = f"{path}.{uuid4().hex}.tmp"  # containers that share a disk may share process numbers
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

    def _read_header(self, clip: str) -> Header:
        path = self._path(clip)
        if clip not in self:
            raise FileNotFoundError(f"no features of clip {clip} in {self.root}: extract them first")
        try:
            (length,) = struct.unpack("<Q", self.files.cat_file(path, 0, HEAD))
            head: dict[str, Any] = json.loads(self.files.cat_file(path, HEAD, HEAD + length))
            entry, notes = head[NAME], json.loads(head["__metadata__"]["store"])
            first, _ = entry["data_offsets"]
            last = max(part["data_offsets"][1] for name, part in head.items() if name != "__metadata__")
            scale = None
            if SCALE in head:
                span = (HEAD + length + byte for byte in head[SCALE]["data_offsets"])
                scale = torch.frombuffer(bytearray(self.files.cat_file(path, *span)), dtype=torch.float32)
            header = Header(
                dtype=TYPES[entry["dtype"]],
                shape=tuple(entry["shape"]),
                start=HEAD + length + first,
                slots=SlotMap(tuple(tuple(seen) for seen in json.loads(notes["frames"]))),
                scale=scale,
            )
            if self.files.size(path) != HEAD + length + last:
                raise ValueError("its size is not what its header says")
        except (ValueError, KeyError, TypeError, struct.error) as error:
            raise ValueError(f"{path} is damaged ({error}): remove it and extract the clip again") from error
        if notes["key"] != self.key:
            raise ValueError(f"{path} holds features of '{notes['key']}', not of '{self.key}': use another folder")
        return header


def quantised(values: Float[Tensor, "slot rows cols channel"]) -> dict[str, Tensor]:
    """Round features to 8 bits, channel by channel (see `FeatureStore.write`)."""
    scale = (values.float().abs().amax((0, 1, 2)) / LEVELS).clamp_min(torch.finfo(torch.float32).tiny)
    return {NAME: (values.float() / scale).round().clamp(-LEVELS, LEVELS).to(torch.int8), SCALE: scale}


def read_notes(root: str | Path) -> dict[str, Any]:
    """Read the manifest of a store.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it is damaged.
    """
    files, folder = fsspec.core.url_to_fs(str(root))
    path = f"{folder.rstrip('/')}/{MANIFEST}"
    if not files.exists(path):
        raise FileNotFoundError(f"{root} holds no features: `region4d extract extractor=... output=...` writes them")
    try:
        notes: dict[str, Any] = json.loads(files.cat_file(path))
    except ValueError as error:
        raise ValueError(f"{path} is damaged ({error}): remove the store and extract again") from error
    if "key" not in notes:
        raise ValueError(f"{path} names no extractor: remove the store and extract again")
    return notes
