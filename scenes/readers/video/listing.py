"""Listing the frames of a video file: their times, and where decoding can start."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
from jaxtyping import Int

from scenes.readers.video.container import decode, open_video
from scenes.readers.video.mp4_index import index_times


@dataclass(frozen=True)
class Listing:
    """The frames of a video file in order of presentation.

    `times` are in units of `time_base` seconds; of frames with the same time only the first is shown. `keys` are the
    times of key frames, where decoding can start (empty if unknown). `announced` (frames) and `duration` (seconds)
    come from the header, 0 if it has none; `stored` counts the frames in the file, with those of the same time.
    `damaged`: a packet or frame could not be read. `end` is the end of the last frame according to the packets, in
    units of `time_base`. `counted`: decoded frames carry no usable times, frame k is shown at `times[k]`.
    `indexed`: from the index of the file, so that packets were not seen. Files without an index are sought
    by times of decoding, which are up to `early` before those of presentation.
    """

    times: list[int]
    keys: list[int]
    time_base: Fraction
    announced: int
    duration: float
    damaged: bool
    stored: int = 0
    end: int = 0
    counted: bool = False
    indexed: bool = False
    early: int = 0


def list_frames(path: Path) -> Listing:
    """List the frames of an MP4 from its index, of other files from their packets.

    Raises:
        ValueError: the file is not a video, or has no readable frame.
    """
    container, stream = open_video(path)
    with container:
        indexed = index_times(path, container, stream)
        header = _header(container, stream)
    if indexed is None:
        return list_packets(path)
    times, keys = (_distinct(column) for column in indexed)
    return replace(header, times=times, keys=keys, stored=len(indexed[0]), end=times[-1], indexed=True)


def list_packets(path: Path) -> Listing:
    """List the frames from their packets, without decoding: fast, and exact for intact files.

    Packets of AVI have only times of decoding. These are times of presentation in a stream without B-frames; in H.264
    and HEVC with B-frames frame k is shown at the k-th of them (`counted`). All frames are decoded (`list_decoded`)
    where packets have no usable time.

    Raises:
        ValueError: the file is not a video, or has no readable frame.
    """
    container, stream = open_video(path)
    with container:
        listing = _header(container, stream)
        unindexed = container.format.name in ("mpegts", "mpeg")
        avi, reordered = container.format.name == "avi", stream.codec_context.has_b_frames
        counted = avi and reordered and stream.codec_context.name in ("h264", "hevc")
        times, keys, end, delay, edited, damaged = [], [], 0, 0, False, False
        try:
            for packet in container.demux(stream):
                damaged |= packet.is_corrupt
                edited |= packet.is_discard  # by an edit list: stored and needed to decode, but not shown
                if packet.size and not packet.is_corrupt and not packet.is_discard:
                    time = packet.dts if counted or (packet.pts is None and not reordered) else packet.pts
                    times.append(time)
                    if packet.dts is not None and time is not None:
                        delay = max(delay, time - packet.dts)
                    end = max(end, (time or 0) + (packet.duration or 0))
                    if packet.is_keyframe:
                        keys.append(time)
        except av.FFmpegError:
            damaged = True
    if None in times:
        return list_decoded(path, listing)
    if not times:
        raise ValueError(f"{path} has no readable frame: it is cut or damaged right after its header")
    known, stored = sorted(set(times)), len(times)
    if avi:  # its header counts empty packets, which repeat a frame, also the last one
        stored = known[-1] + max((later - time for time, later in pairwise(known)), default=1)
    return replace(
        listing,
        times=known,
        keys=[] if counted else sorted(set(keys)),
        announced=0 if edited else listing.announced,  # a header counts what an edit list hides
        damaged=damaged,
        stored=stored,
        end=end,
        counted=counted,
        early=delay if unindexed else 0,
    )


def list_decoded(path: Path, listing: Listing) -> Listing:
    """List the frames that decode, by decoding all of them: for files whose packets have no times."""
    container, stream = open_video(path)
    with container:
        if listing.counted:  # what comes after damage cannot be counted
            readable = sum(1 for _ in decode(container, stream, to_damage=True))
            times = listing.times[:readable]
        else:
            times = [frame.pts for frame in decode(container, stream) if frame.pts is not None]
    if not times:
        raise ValueError(f"{path} has no readable frame with a time: it is damaged, or of a kind without times")
    return replace(listing, times=sorted(set(times)), keys=[], stored=len(times))


def _distinct(times: Int[np.ndarray, "frame"]) -> list[int]:
    """Sort times and drop repeated ones, in a tenth of the time that a set or `np.unique` takes."""
    ordered = np.sort(times)
    distinct: list[int] = ordered[np.diff(ordered, prepend=ordered[:1] - 1) > 0].tolist()
    return distinct


def _header(container: av.container.InputContainer, stream: av.VideoStream) -> Listing:
    duration = stream.duration * stream.time_base if stream.duration else (container.duration or 0) / av.time_base
    return Listing([], [], stream.time_base, stream.frames, float(duration), False)
