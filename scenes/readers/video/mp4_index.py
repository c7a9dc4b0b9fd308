"""Listing an MP4 or MOV file from its index alone: a file of hours is not read to know its times."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from itertools import chain, islice
from operator import attrgetter
from pathlib import Path
from typing import BinaryIO

import av
import numpy as np
from jaxtyping import Int

PROBE = 64  # packets that are read to check the times of the index
_PATH = (b"mdia", b"minf", b"stbl")
_FIELDS = attrgetter("timestamp", "pos", "size", "flags")
_KEYFRAME, _DISCARD = 1, 2  # AVINDEX_KEYFRAME, AVINDEX_DISCARD_FRAME of libavformat


def index_times(
    path: Path, container: av.container.InputContainer, stream: av.VideoStream
) -> tuple[Int[np.ndarray, "frame"], Int[np.ndarray, "key"]] | None:
    """Find the times of presentation of all frames, in the order of decoding, and those of key frames.

    The demuxer's index has times of decoding; the `ctts` box of the track holds what to add. None where this does not
    give the times of the first packets, where an edit list hides frames, for fragmented files and for cut ones: then
    packets must be read. The container must not have been read yet.

    Source: ISO 14496-12 8.6.1.3.
    """
    entries = stream.index_entries
    count = len(entries)
    if "mp4" not in container.format.name.split(",") or count == 0 or count != stream.frames:
        return None
    fields = chain.from_iterable(map(_FIELDS, entries))  # half the time of a list of tuples
    decoded, starts, sizes, flags = np.fromiter(fields, np.int64, 4 * count).reshape(count, 4).T
    if (flags & _DISCARD).any() or (starts + sizes).max() > path.stat().st_size:
        return None
    with path.open("rb") as file:
        shifts = _composition_offsets(file, stream.id, count)
    if shifts is None:
        return None
    keys = (flags & _KEYFRAME).astype(bool)
    times = decoded + shifts + max(0, -int(shifts.min()))
    packets = islice((packet for packet in container.demux(stream) if packet.size), PROBE)
    first = [(packet.pts, packet.is_keyframe) for packet in packets]
    if first != list(zip(times[:PROBE].tolist(), keys[:PROBE].tolist(), strict=True)):
        return None
    return times, times[keys]


def _composition_offsets(file: BinaryIO, track: int, count: int) -> Int[np.ndarray, "frame"] | None:
    """Read what to add to each time of decoding; zeros without a `ctts` box, None for another number of frames."""
    for name, start, end in _boxes(file, 0, file.seek(0, 2)):
        if name != b"moov":
            continue
        for inner, inner_start, inner_end in _boxes(file, start, end):
            if inner == b"trak" and _track_id(file, inner_start, inner_end) == track:
                return _read_ctts(file, inner_start, inner_end, count)
    return None


def _read_ctts(file: BinaryIO, start: int, end: int, count: int) -> Int[np.ndarray, "frame"] | None:
    for step in _PATH:
        inside = [(s, e) for name, s, e in _boxes(file, start, end) if name == step]
        if not inside:
            return None
        start, end = inside[0]
    for name, box_start, box_end in _boxes(file, start, end):
        if name == b"ctts":
            file.seek(box_start + 4)  # past version and flags
            (runs,) = struct.unpack(">I", file.read(4))
            if 8 * runs > box_end - box_start - 8:
                return None
            table = np.frombuffer(file.read(8 * runs), ">i4").reshape(-1, 2).astype(np.int64)
            if (table[:, 0] < 0).any() or table[:, 0].sum() != count:
                return None
            return np.repeat(table[:, 1], table[:, 0])
    return np.zeros(count, np.int64)


def _track_id(file: BinaryIO, start: int, end: int) -> int | None:
    for name, box_start, _ in _boxes(file, start, end):
        if name == b"tkhd":
            file.seek(box_start)
            wide = file.read(4)[:1] == b"\1"  # version 1 has times of 64 bits
            file.seek(box_start + (20 if wide else 12))
            return int(struct.unpack(">I", file.read(4))[0])
    return None


def _boxes(file: BinaryIO, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Walk over the boxes between two places: name, and where the content starts and ends."""
    while start + 8 <= end:
        file.seek(start)
        head = file.read(8)
        if len(head) < 8:
            return
        size, name = struct.unpack(">I4s", head)
        content = start + 8
        if size == 1:
            (size,) = struct.unpack(">Q", file.read(8).rjust(8, b"\0"))
            content += 8
        stop = end if size == 0 else start + size
        if stop < content or stop > end:
            return
        yield name, content, stop
        start = stop
