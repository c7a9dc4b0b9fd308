"""Computing the targets that lines of footage have not got yet."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import torch
from rich.console import Console
from rich.progress import track
from torch.utils.data import DataLoader, Dataset

from distill.data.footage_targets import FootageTargets, frames_digest, media_stamp
from scenes.clip import Clip
from training.annotations.line import Media
from training.annotations.media import open_annotation
from training.annotations.samples import AnnotatedSamples


@dataclass(frozen=True)
class Shown:
    """What a line shows: the digest of its frames, and the frames where there are no targets of them yet.

    `reason` tells why the line has no targets at all; `error` is what is wrong with its media.
    """

    index: int
    digest: str = ""
    clip: Clip | None = None
    reason: str = ""
    error: str = ""


class ShownLines(Dataset[Shown]):
    """What the lines show. Frames are decoded only where neither a note nor the line itself tells enough."""

    def __init__(self, samples: AnnotatedSamples, targets: FootageTargets) -> None:
        self.samples, self.targets = samples, targets

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> Shown:
        try:
            return self._look(index)
        except (ValueError, OSError) as error:  # one line, also out of a worker process
            return Shown(index, error=str(error))

    def _look(self, index: int) -> Shown:
        file, line = self.samples.find(index)
        annotation = file[line]
        media, frames = annotation.media, self.targets.teacher.spec.frames
        if media is None:
            return Shown(index, reason="text alone")
        if (count := count_frames(media, self.samples.frames)) is not None and count != frames:
            return Shown(index, reason=reason_without(count))
        with file.naming(line):
            stamp = media_stamp(media, file.path.parent, self.samples.frames)
            if (noted := self.targets.note(stamp)) is not None:
                digest, count = noted
                if count != frames:
                    return Shown(index, reason=reason_without(count))
                if self.targets.has(digest):
                    return Shown(index, digest)
            clip, _ = open_annotation(replace(annotation, regions=()), file.path.parent, self.samples.frames)
            assert clip is not None
            digest = frames_digest(clip.video)
            self.targets.write_note(stamp, digest, len(clip))
        if len(clip) != frames:
            return Shown(index, reason=reason_without(len(clip)))
        return Shown(
            index, digest, None if self.targets.has(digest) else Clip(clip.video, clip.seconds, name=clip.name)
        )


def count_frames(media: Media, default: int) -> int | None:
    """Count the frames of media that a line decides; None where the length of a video or folder does, too."""
    if media.kind in ("image", "images"):
        return len(media.paths)
    if (chosen := media.indices or media.seconds) is not None:
        return len(chosen)
    return 1 if (media.frames or default) == 1 else None


def reason_without(count: int) -> str:
    """Say why a clip of so many frames has no targets."""
    return "of a single picture" if count == 1 else f"of {count} frames"


def fill(lines: ShownLines, device: torch.device, workers: int, rank: int = 0, processes: int = 1) -> Counter[str]:
    """Compute the targets of lines that have none yet; count why the others have none.

    Returns when all exist. Each process starts at a place of its own, and leaves out what another one is at until the
    end. The teacher is on the device only while it computes.

    Raises:
        ValueError: the media of a line cannot be read, or the teacher does not take its clip.
    """
    targets, without = lines.targets, Counter[str]()
    start = rank * len(lines) // processes
    loader = DataLoader(
        lines,
        batch_size=None,
        sampler=chain(range(start, len(lines)), range(start)),
        collate_fn=as_it_is,
        num_workers=workers,
        generator=torch.Generator(),  # none of the random numbers of the training
    )
    busy = []
    try:
        for shown in track(
            loader, "targets of the teacher", len(lines), console=Console(stderr=True), transient=True, disable=rank > 0
        ):
            if shown.reason:
                without[shown.reason] += 1
            elif not _make(lines, shown, device, wait=False):
                busy.append(shown.index)
        for index in busy:
            _make(lines, lines[index], device, wait=True)
    finally:
        if device.type != "cpu":
            targets.teacher.to("cpu")
    return without


def _make(lines: ShownLines, shown: Shown, device: torch.device, wait: bool) -> bool:
    if shown.error:
        raise ValueError(shown.error)
    if shown.clip is None:
        return True
    lines.targets.teacher.to(device)
    file, line = lines.samples.find(shown.index)
    with file.naming(line):
        return lines.targets.make(shown.clip, shown.digest, wait)


def as_it_is(item: Any) -> Any:
    """Return what a worker process gives."""
    return item
