"""Video files: sampled frames with the times at which they are shown."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import torch

from scenes.clip import Clip
from scenes.readers.frame_choice import choose_frames
from scenes.readers.video_decord import decode_decord
from scenes.readers.video_pyav import Listing, decode_pyav, list_decoded, list_packets

Backend = Literal["pyav", "decord"]
log = logging.getLogger(__name__)


def read_video(
    path: str | Path,
    frames: int | None = None,
    indices: Sequence[int] | None = None,
    backend: Backend = "pyav",
    partial: bool = False,
) -> Clip:
    """Read frames of a video file: `frames` of them uniformly from first to last, or `indices`, or all.

    `seconds` are presentation times from the file, 0 at its first frame, so they are right at any variable frame rate.
    Frames are counted, not taken from the header, and the rotation tag is applied. Only chosen frames are kept in
    memory. A damaged or cut file is refused, unless `partial` allows it: then its readable part is used and a warning
    is logged.

    The times and the count always come from PyAV; `backend="decord"` decodes the pixels only, because decord 0.6 has
    wrong end times at variable frame rate. It raises ValueError for files that decord cannot read in full, such as
    MPEG-TS and cut MP4.

    Raises:
        FileNotFoundError: the file does not exist.
        ValueError: the file is not a readable video, it is cut or damaged, or an index is out of range.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no such video file: {path}")
    listing = list_packets(path)
    chosen = choose_frames(len(listing.times), frames, indices, path)
    if backend == "decord":
        video = decode_decord(path, len(listing.times), chosen)
    else:
        decoded = {} if listing.damaged else decode_pyav(path, [listing.times[i] for i in chosen], listing.keys)
        if any(listing.times[i] not in decoded for i in chosen):  # choose again, from the frames that do decode
            listing = replace(list_decoded(path, listing), damaged=True)
            chosen = choose_frames(len(listing.times), frames, indices, path)
            decoded = decode_pyav(path, [listing.times[i] for i in chosen], listing.keys)
        video = torch.stack([decoded[listing.times[i]] for i in chosen])
    if damage := _damage(listing):
        if not partial:
            raise ValueError(f"{path} {damage}: repair it, or use the readable part (partial=True, --partial)")
        log.warning("%s %s", path, damage)
    seconds = [float((listing.times[i] - listing.times[0]) * listing.time_base) for i in chosen]
    return Clip(video, torch.tensor(seconds), name=path.stem)


def _damage(listing: Listing) -> str:
    """Say how much of a cut or damaged file is readable; empty for a whole file."""
    readable, first = len(listing.times), min(listing.times[0], 0)  # Matroska counts its duration from zero
    end = float((max(listing.times[-1], listing.end) - first) * listing.time_base)
    if listing.announced > readable:
        return f"is cut or damaged: {readable} of {listing.announced} frames are readable"
    if listing.damaged:
        return f"is cut or damaged: {readable} frames are readable"
    if listing.announced < readable and listing.duration > 1.05 * end + 1:  # slack for sound that outlasts pictures
        return f"ends early: {readable} frames are readable, up to second {end:.1f} of {listing.duration:.1f}"
    return ""
