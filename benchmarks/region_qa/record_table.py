"""A comparison table of records that answer the same questions, from any arms, tasks or studies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.records.archive import read_archive, read_runs
from benchmarks.records.manifest import Manifest, provenance, read_manifest
from benchmarks.records.record import Record, read_records
from benchmarks.region_qa.analyses.counterfactual_section import counterfactual_section
from benchmarks.region_qa.scores import mark_clear, score_rows
from benchmarks.region_qa.sections import score_tables
from benchmarks.report.table import tables_markdown


def record_table(sources: Sequence[str], minus: str | None = None) -> str:
    """Pair records item by item, and write accuracies by category, paired differences with intervals, and provenance.

    Answers about counterfactual worlds also show how they follow (`analyses.counterfactuals`).

    Args:
        sources: NAME=FOLDER of records, or NAME=FOLDER#RUN of an archive.
        minus: name of the source that is subtracted from the others; the first by default.

    Raises:
        ValueError: a source has another form, a name occurs twice, or `minus` is not one of the names.
    """
    named = split_sources(sources)
    base = next(iter(named)) if minus is None else minus
    if base not in named:
        raise ValueError(f"no source is named {base}: choose one of {', '.join(named)}")
    read = {name: read_source(source) for name, source in named.items()}
    records = [replace(r, arm=name, task="") for name, (answers, _) in read.items() for r in answers]
    contrasts = [(name, base) for name in named if name != base]
    rows = mark_clear(score_rows(records, contrasts), contrasts, [])
    lines = [
        f"- {name}: commit {m.commit}, checkpoint {m.checkpoint[:12]}, {m.machine}, {m.time}"
        for name, (_, m) in read.items()
    ]
    parts = [tables_markdown(score_tables(rows, list(named), contrasts))]
    if (section := counterfactual_section(records)).tables:
        parts.append(section.markdown())
    return "\n\n".join([*parts, "\n".join(lines)]) + "\n"


def split_sources(sources: Sequence[str]) -> dict[str, str]:
    """Split sources of the form NAME=FOLDER into folders by name.

    Raises:
        ValueError: a source has another form, or a name occurs twice.
    """
    pairs = [source.partition("=")[::2] for source in sources]
    if wrong := [source for source, (name, folder) in zip(sources, pairs, strict=True) if not (name and folder)]:
        raise ValueError(f"'{wrong[0]}' does not name records: write NAME=FOLDER")
    if len({name for name, _ in pairs}) < len(pairs):
        raise ValueError(f"names of records must differ, got {', '.join(name for name, _ in pairs)}")
    return dict(pairs)


def read_source(source: str) -> tuple[list[Record], Manifest]:
    """Read the records of FOLDER, or those of one run in the archive of a folder, FOLDER#RUN.

    Raises:
        ValueError: the archive has no such run, or no records of it.
    """
    folder, _, name = source.partition("#")
    if not name:
        return read_records(Path(folder)), read_manifest(Path(folder))
    runs = read_runs(Path(folder))
    if name not in runs:
        raise ValueError(f"the archive of {folder} has no run {name}; its runs are: {', '.join(runs) or 'none'}")
    run, archive = runs[name], read_archive(Path(folder))
    records = [r for task in run.manifests for r in archive.get((task, run.arm, run.seed), ())]
    if not records:
        raise ValueError(f"the archive of {folder} has no records of run {name}: archive the study again")
    return records, provenance(list(run.manifests.values()))
