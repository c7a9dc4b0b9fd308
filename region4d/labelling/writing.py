"""Preparing and writing the clips of a data set, one by one; a finished one is kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import typer

from probes.clips.object_window import Unsuitable
from probes.clips.prepared_files import is_written, label_path, refuse_other_labels, write_prepared
from region4d.labelling.data_sets import DataSet, Prepare
from region4d.labelling.origins import LabelOrigin, ProviderOf
from region4d.workers import Tell, work_together
from scenes.storage.locks import sole_writer


@dataclass(frozen=True)
class Preparation:
    """What is asked for.

    Args:
        data: the clips.
        origin: what their labels are of.
        output: folder for videos/ and labels/.
        label_size: height and width of the label maps.
        limit: prepare the first ones only.
    """

    data: DataSet
    origin: LabelOrigin
    output: Path
    label_size: tuple[int, int]
    limit: int | None = None

    def share(self, shard: str) -> list[tuple[str, Prepare]]:
        """Take the clips of one of several processes: every n-th of the first `limit`.

        Raises:
            ValueError: the shard is not I/N with I below N.
        """
        index, slash, count = shard.partition("/")
        if not (slash and index.isdecimal() and count.isdecimal() and int(index) < int(count)):
            raise ValueError(
                f"--shard {shard} is not I/N; give 0/2 to the first of two processes, and 1/2 to the second"
            )
        return list(self.data.clips.items())[: self.limit][int(index) :: int(count)]


@dataclass(frozen=True)
class Tally:
    """How many clips are there, and how many do not fit."""

    written: int = 0
    left_out: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.written + other.written, self.left_out + other.left_out)


def write_shard(asked: Preparation, shard: str, advance: Callable[[int], None]) -> Tally:
    """Write the clips of a shard; a finished clip is kept, one that does not fit is left out, with its reason.

    Raises:
        ValueError: another process writes this shard, or there are labels of another origin.
        OSError: something is missing or cannot be written.
    """
    clips = asked.share(shard)
    provider_of = asked.origin.open()
    tally = Tally()
    with sole_writer(asked.output, f".{shard.replace('/', '-of-')}.lock"):
        for name, prepare in clips:
            tally += _write(asked, name, prepare, provider_of)
            advance(1)
    return tally


def write_together(asked: Preparation, workers: int, advance: Callable[[int], None]) -> Tally:
    """Write the clips in several processes, a shard each; raises as `write_shard` and `work_together`."""
    shares = [(asked, f"{index}/{workers}") for index in range(workers)]
    tallies = work_together(write_share, shares, lambda _, done: advance(done), any_gpu=asked.origin.device is None)
    return sum(tallies, Tally())


def write_share(share: tuple[Preparation, str], tell: Tell) -> Tally:
    """Write a shard in a process of several."""
    return write_shard(*share, tell)


def _write(asked: Preparation, name: str, prepare: Prepare, provider_of: ProviderOf) -> Tally:
    output, origin = asked.output, asked.origin
    if origin.gives_labels and label_path(output, name).is_file():
        refuse_other_labels(output, name, origin.of(name))
    if is_written(output, name, origin.gives_labels):
        return Tally(written=1)
    try:
        prepared = prepare(origin.reads_own_depth)
    except Unsuitable as reason:
        typer.echo(str(reason), err=True)
        return Tally(left_out=1)
    write_prepared(
        prepared, output, provider_of(name), asked.label_size, origin.of(name) if origin.gives_labels else None
    )
    return Tally(written=1)


def summary(asked: Preparation, tally: Tally, clips: int) -> str:
    """Say what was written of some clips.

    Raises:
        ValueError: none of them fits.
    """
    if clips and not tally.written:
        raise ValueError(
            f"none of {tally.left_out} videos can be prepared; try fewer frames (--count) or a smaller --height"
        )
    labelled = (
        "clips with labels",
        "clips; add --geometry, or estimate their depth and add --depth, to write the labels",
    )
    return f"{asked.output}: {tally.written} {labelled[not asked.origin.gives_labels]} ({tally.left_out} left out)"
