"""Decoding chosen frames with PyAV."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from pathlib import Path

import av
import torch
from jaxtyping import UInt8
from torch import Tensor

from scenes.readers.video.container import decode, open_video
from scenes.readers.video.display import Display, display_of, show
from scenes.readers.video.listing import Listing


class FrameStack:
    """The frames shown at `times`, in that order: memory for all of them, filled as they are decoded.

    Args:
        path: the file, for errors.
        times: times of presentation, in the time base of the file.
        max_pixels: frames are scaled down where all of them together have more.
    """

    def __init__(self, path: Path, times: Sequence[int], max_pixels: int | None = None) -> None:
        self.path = path
        self.max_pixels = max_pixels
        self.places: dict[int, list[int]] = {}
        for place, time in enumerate(times):
            self.places.setdefault(time, []).append(place)
        self.missing = set(times)
        self.display: Display | None = None
        self.video: UInt8[Tensor, "time 3 height width"] = torch.empty(0, 3, 0, 0, dtype=torch.uint8)

    def put(self, time: int, frame: av.VideoFrame, stream: av.VideoStream) -> None:
        """Convert the frame of a wanted time and keep it.

        Raises:
            ValueError: it has another size than the frames before.
        """
        display = display_of(frame, stream)
        if self.display is None:
            count = sum(map(len, self.places.values()))
            self.video = torch.empty(count, 3, *_bounded(display.size, count, self.max_pixels), dtype=torch.uint8)
            self.display = display
        elif display.size != self.display.size:
            (height, width), (first_height, first_width) = display.size, self.display.size
            raise ValueError(
                f"all frames must have the same size; those of {self.path} change from {first_width}x{first_height} to "
                f"{width}x{height}: choose frames of one size, or convert the file"
            )
        first, *others = self.places[time]
        show(frame, display, self.video[first].numpy())
        for other in others:
            self.video[other] = self.video[first]
        self.missing.remove(time)


def _bounded(size: tuple[int, int], count: int, max_pixels: int | None) -> tuple[int, int]:
    pixels = count * size[0] * size[1]
    if max_pixels is None or pixels <= max_pixels:
        return size
    share = (max_pixels / pixels) ** 0.5
    return max(1, int(size[0] * share)), max(1, int(size[1] * share))


def decode_pyav(stack: FrameStack, listing: Listing) -> None:
    """Decode the missing frames of a stack; frames that do not decode stay missing.

    Decodes forward, and jumps to the last key frame before the next wanted frame where that skips another key frame.
    A jump that misses is tried again from the key frame before; what is missing then is decoded from the start.
    """
    if listing.counted:
        _count_and_decode(stack, listing.times)
        return
    for back in (0, 1):
        if listing.keys and stack.missing:
            _jump_and_decode(stack, listing, back)
    if stack.missing:
        _decode_from_start(stack)


def _jump_and_decode(stack: FrameStack, listing: Listing, back: int) -> None:
    keys = listing.keys
    segments: dict[int, int] = {}  # how many key frames come before -> the last wanted time
    for time in sorted(stack.missing):
        segments[bisect_right(keys, time)] = time
    container, stream = open_video(stack.path)
    with container:
        decoded, at = decode(container, stream, wanted=stack.missing), 1
        for segment, last in segments.items():
            if segment > at + 1 + back:
                container.seek(keys[segment - 1 - back] - listing.early, stream=stream)
                decoded = decode(container, stream, intact=False, wanted=stack.missing)
            at = segment
            for frame in decoded:
                if frame.pts in stack.missing:
                    stack.put(frame.pts, frame, stream)
                if frame.pts is not None and frame.pts >= last:
                    break


def _decode_from_start(stack: FrameStack) -> None:
    container, stream = open_video(stack.path)
    with container:
        for frame in decode(container, stream):
            if frame.pts in stack.missing:
                stack.put(frame.pts, frame, stream)
            if not stack.missing:
                break


def _count_and_decode(stack: FrameStack, times: Sequence[int]) -> None:
    container, stream = open_video(stack.path)
    with container:
        for time, frame in zip(times, decode(container, stream, to_damage=True), strict=False):
            if time in stack.missing:
                stack.put(time, frame, stream)
            if not stack.missing:
                break
