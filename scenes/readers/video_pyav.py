"""Listing and decoding the frames of a video file with PyAV."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import torch
from einops import rearrange
from jaxtyping import UInt8
from torch import Tensor


@dataclass(frozen=True)
class Listing:
    """The frames of a video file in order of presentation.

    `times` are in units of `time_base` seconds; `keys` are the times of key frames, where decoding can start (empty if
    unknown). `announced` (frames) and `duration` (seconds) come from the header, 0 if it has none. `damaged`: a packet
    or frame could not be read. `end` is the end of the last frame according to the packets, in units of `time_base`.
    """

    times: list[int]
    keys: list[int]
    time_base: Fraction
    announced: int
    duration: float
    damaged: bool
    end: int = 0


def list_packets(path: Path) -> Listing:
    """List the frames from their packets, without decoding: fast, and exact for intact files.

    Decodes all frames (`list_decoded`) where packets carry no presentation time (AVI).

    Raises:
        ValueError: the file is not a video, or has no readable frame.
    """
    with _open(path) as container:
        stream = container.streams.video[0]
        duration = stream.duration * stream.time_base if stream.duration else (container.duration or 0) / av.time_base
        listing = Listing([], [], stream.time_base, stream.frames, float(duration), False)
        times, keys, end, edited, damaged = [], [], 0, False, False
        try:
            for packet in container.demux(stream):
                damaged |= packet.is_corrupt
                edited |= packet.is_discard  # by an edit list: stored and needed to decode, but not shown
                if packet.size and not packet.is_corrupt and not packet.is_discard:
                    times.append(packet.pts)
                    end = max(end, (packet.pts or 0) + (packet.duration or 0))
                    if packet.is_keyframe:
                        keys.append(packet.pts)
        except av.FFmpegError:
            damaged = True
    if None in times:
        return list_decoded(path, listing)
    if not times:
        raise ValueError(f"{path} has no readable frame: it is cut or damaged right after its header")
    announced = 0 if edited else listing.announced  # a header counts what an edit list hides
    times, keys = sorted(set(times)), sorted(set(keys))
    return replace(listing, times=times, keys=keys, announced=announced, damaged=damaged, end=end)


def list_decoded(path: Path, listing: Listing) -> Listing:
    """List the frames that decode, by decoding all of them: for files whose packets carry no times."""
    with _open(path) as container:
        times = sorted({frame.pts for frame in _decode(container) if frame.pts is not None})
    if not times:
        raise ValueError(f"{path} has no readable frame with a time: it is damaged, or of a kind without times")
    return replace(listing, times=times, keys=[])


def decode_pyav(path: Path, times: Sequence[int], keys: Sequence[int]) -> dict[int, UInt8[Tensor, "3 height width"]]:
    """Decode the frames shown at `times`, upright, keyed by time; frames that do not decode are left out.

    Decodes forward, and jumps to the last key frame before the next wanted frame where that skips another key frame.
    Where a jump misses (MPEG-TS has no index), the missing frames are decoded from the start.
    """
    segments: dict[int, set[int]] = {}  # how many key frames come before -> wanted times
    for time in sorted(times):
        segments.setdefault(bisect_right(keys, time), set()).add(time)
    pictures = {}
    with _open(path) as container:
        decoded, at = _decode(container), 1
        for segment, wanted in segments.items():
            if segment > at + 1:
                container.seek(keys[segment - 1], stream=container.streams.video[0])
                decoded = _decode(container, intact=False)
            at = segment
            for frame in decoded:
                if frame.pts in wanted:
                    pictures[frame.pts] = _upright(frame)
                    wanted.remove(frame.pts)
                if not wanted:
                    break
    missed = set().union(*segments.values())
    return pictures | decode_pyav(path, sorted(missed), []) if missed and keys else pictures


def _open(path: Path) -> av.container.InputContainer:
    try:
        container = av.open(str(path))
    except av.FFmpegError as error:
        raise ValueError(f"{path} cannot be read as a video: {error.strerror}") from error
    if not container.streams.video:
        container.close()
        raise ValueError(f"{path} has no video stream")
    container.streams.video[0].thread_type = "AUTO"
    return container


def _decode(container: av.container.InputContainer, intact: bool = True) -> Iterator[av.VideoFrame]:
    """Decode in order of presentation, without damaged frames and those predicted from them (to the next key frame).

    Start with `intact` False after a jump, which may land between key frames.
    """
    packets = container.demux(container.streams.video[0])
    while True:
        try:
            packet = next(packets)
            decoded = packet.decode()
        except StopIteration:
            return
        except av.FFmpegError:  # the next packet may be readable, and the last one flushes the decoder
            intact = False
            continue
        for frame in decoded:
            intact = not frame.is_corrupt and (intact or frame.key_frame)
            if intact:
                yield frame


def _upright(frame: av.VideoFrame) -> UInt8[Tensor, "3 height width"]:
    """Convert a frame to RGB, turned by its rotation tag (degrees counter-clockwise, multiples of 90)."""
    turned = np.rot90(frame.to_ndarray(format="rgb24"), round(frame.rotation / 90))
    return torch.from_numpy(np.ascontiguousarray(rearrange(turned, "height width rgb -> rgb height width")))
