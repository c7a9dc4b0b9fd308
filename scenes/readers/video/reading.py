"""Reading a video file: from a file name to a clip."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal, get_args

import torch

from scenes.clip import Clip
from scenes.readers.frame_choice import choose_frames
from scenes.readers.video.decord import decode_decord
from scenes.readers.video.listing import Listing, list_decoded, list_frames, list_packets
from scenes.readers.video.other_backends import check_pixels, check_size, plain_display
from scenes.readers.video.pyav import FrameStack, decode_pyav
from scenes.readers.video.torchcodec import decode_torchcodec

Backend = Literal["pyav", "torchcodec", "decord2", "decord"]
BACKENDS: tuple[Backend, ...] = get_args(Backend)
log = logging.getLogger(__name__)


def read_video(
    path: str | Path,
    frames: int | None = None,
    indices: Sequence[int] | None = None,
    backend: Backend = "pyav",
    partial: bool = False,
    max_pixels: int | None = None,
) -> Clip:
    """Read frames of a video file: `frames` of them uniformly from first to last, or `indices`, or all.

    `seconds` are presentation times from the file, 0 at its first frame, so they are right at any variable frame rate.
    Frames are counted, not taken from the header. They are shown as ffmpeg shows them: turned and mirrored by the
    display matrix, with square pixels, without transparency; PQ and HLG are tone-mapped to sRGB. Only chosen frames are
    kept in memory. A damaged or cut file is refused, unless `partial` allows it: then its readable part is used and a
    warning is logged.

    Where the frames asked for have more than `max_pixels` together, all are scaled down to that many, and `full_size`
    of the clip is their size in the file.

    The times and the count always come from PyAV; the other backends decode the pixels only. They raise ValueError for
    files that they do not read in full or do not show right, and for more than `max_pixels`: use "pyav" for these.

    Raises:
        FileNotFoundError: the file does not exist.
        ImportError: the backend is not installed.
        ValueError: the file is not a readable video, it is cut or damaged, frames have several sizes, or an index is
            out of range.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no such video file: {path}")
    listing = list_frames(path)
    chosen = choose_frames(len(listing.times), frames, indices, path)
    if backend == "pyav":
        stack = FrameStack(path, [listing.times[i] for i in chosen], max_pixels)
        if not listing.damaged:
            decode_pyav(stack, listing)
        if stack.missing:  # choose again, from the frames that do decode
            listing = list_packets(path) if listing.indexed else listing
            listing = replace(list_decoded(path, listing), damaged=True)
            chosen = choose_frames(len(listing.times), frames, indices, path)
            stack = FrameStack(path, [listing.times[i] for i in chosen], max_pixels)
            decode_pyav(stack, listing)
        video, shown = stack.video, stack.display
    else:
        shown, stream = plain_display(path, backend)
        check_pixels(shown, len(chosen), max_pixels, path, backend)
        if backend == "torchcodec":
            video = decode_torchcodec(path, listing, chosen, stream)
        else:
            video = decode_decord(path, listing, chosen, backend)
        check_size(video, shown, path, backend)
    if damage := _damage(listing):
        if not partial:
            raise ValueError(f"{path} {damage}: repair it, or use the readable part (partial=True, --partial)")
        log.warning("%s %s", path, damage)
    seconds = [float((listing.times[i] - listing.times[0]) * listing.time_base) for i in chosen]
    full_size = shown.size if shown is not None and shown.size != tuple(video.shape[-2:]) else None
    names = tuple(map(str, chosen))
    return Clip(video, torch.tensor(seconds), name=path.stem, frame_names=names, full_size=full_size)


def _damage(listing: Listing) -> str:
    """Say how much of a cut or damaged file is readable; empty for a whole file."""
    readable, first = len(listing.times), min(listing.times[0], 0)  # Matroska counts its duration from zero
    end = float((max(listing.times[-1], listing.end) - first) * listing.time_base)
    if listing.announced > listing.stored:
        return f"is cut or damaged: {readable} of {listing.announced} frames are readable"
    if listing.damaged:
        return f"is cut or damaged: {readable} frames are readable"
    if listing.announced < listing.stored and listing.duration > 1.05 * end + 1:  # slack for sound after the pictures
        return f"ends early: {readable} frames are readable, up to second {end:.1f} of {listing.duration:.1f}"
    return ""
