"""A table of any records: answers to the same questions, whatever arms, tasks or studies they come from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.records.archive import read_archive, read_runs
from benchmarks.records.manifest import Manifest, provenance, read_manifest
from benchmarks.records.record import Record, read_records
from benchmarks.region_qa.scores import mark_clear, score_rows
from benchmarks.region_qa.sections import score_tables


def record_table(sources: Sequence[str], minus: str | None = None) -> str:
    """Match records item by item, and write accuracies by category with intervals, paired differences and provenance.

    Args:
        sources: NAME=FOLDER of records, or NAME=FOLDER#RUN of an archive.
        minus: The source that the others are compared with; the first by default.

    Raises:
        ValueError: A source is not of that form, a name occurs twice, or `minus` is not among them.
    """
    named = split_sources(sources)
    base = next(iter(named)) if minus is None else minus
    if base not in named:
        raise ValueError(f"no source is named {base}: there are {', '.join(named)}")
    read = {name: read_source(source) for name, source in named.items()}
    records = [replace(r, arm=name, task="") for name, (answers, _) in read.items() for r in answers]
    contrasts = [(name, base) for name in named if name != base]
    rows = mark_clear(score_rows(records, contrasts), contrasts, [])
    blocks = []
    parts = [part for whole in score_tables(rows, list(named), contrasts) for part in whole.split()]
    for table in parts:
        folded = f"<details><summary>{table.details}</summary>\n\n{table.markdown()}\n\n</details>"
        blocks.append(folded if table.details else table.markdown())
    lines = [
        f"- {name}: commit {m.commit}, checkpoint {m.checkpoint[:12]}, {m.machine}, {m.time}"
        for name, (_, m) in read.items()
    ]
    return "\n\n".join([*blocks, "\n".join(lines)]) + "\n"


def split_sources(sources: Sequence[str]) -> dict[str, str]:
    """Split NAME=FOLDER.

    Raises:
        ValueError: A source is not of that form, or a name occurs twice.
    """
    pairs = [source.partition("=")[::2] for source in sources]
    if wrong := [source for source, (name, folder) in zip(sources, pairs, strict=True) if not (name and folder)]:
        raise ValueError(f"records are given as NAME=FOLDER, got {wrong[0]}")
    if len({name for name, _ in pairs}) < len(pairs):
        raise ValueError(f"every folder needs a different name, got {', '.join(name for name, _ in pairs)}")
    return dict(pairs)


def read_source(source: str) -> tuple[list[Record], Manifest]:
    """Read the records of FOLDER, or those of one run in the archive of a folder, FOLDER#RUN.

    Raises:
        ValueError: The archive has no such run, or the run has no records.
    """
    folder, _, name = source.partition("#")
    if not name:
        return read_records(Path(folder)), read_manifest(Path(folder))
    runs = read_runs(Path(folder))
    if name not in runs:
        raise ValueError(f"the archive of {folder} has no run {name}: there are {', '.join(runs) or 'none'}")
    run, archive = runs[name], read_archive(Path(folder))
    records = [r for task in run.manifests for r in archive.get((task, run.arm, run.seed), ())]
    if not records:
        raise ValueError(f"the archive of {folder} has no records of run {name}")
    return records, provenance(list(run.manifests.values()))
