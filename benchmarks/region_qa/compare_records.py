"""A table of any records: python -m benchmarks.region_qa.compare_records NAME=FOLDER ... [--minus NAME] [--output FILE]

Compares answers to the same questions, whatever arms, tasks or studies they come from: the folders are matched item by
item, and every one is compared with the one named by `--minus`.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.records.record import Record, read_manifest, read_records
from benchmarks.region_qa.scores import mark_clear, score_rows
from benchmarks.region_qa.sections import score_table
from scenes.storage.atomic import write_text

app = typer.Typer(add_completion=False)


def named_records(sources: Sequence[str]) -> list[Record]:
    """Read folders given as NAME=FOLDER; NAME becomes the arm, and all count as one task.

    Raises:
        ValueError: a source is not of that form, or a name occurs twice.
    """
    pairs = [source.partition("=")[::2] for source in sources]
    if wrong := [source for source, (name, folder) in zip(sources, pairs, strict=True) if not (name and folder)]:
        raise ValueError(f"records are given as NAME=FOLDER, got {wrong[0]}")
    if len({name for name, _ in pairs}) < len(pairs):
        raise ValueError(f"every folder needs a name of its own, got {', '.join(name for name, _ in pairs)}")
    return [replace(record, arm=name, task="") for name, folder in pairs for record in read_records(Path(folder))]


@app.command()
def main(
    sources: Annotated[list[str], typer.Argument(help="records as NAME=FOLDER")],
    minus: Annotated[str | None, typer.Option(help="the one that the others are compared with; the first")] = None,
    output: Annotated[Path | None, typer.Option(help="where the Markdown goes; else it is printed")] = None,
) -> None:
    """Print accuracies by category with intervals, and paired differences."""
    records = named_records(sources)
    names = list(dict.fromkeys(record.arm for record in records))
    base = names[0] if minus is None else minus
    contrasts = [(name, base) for name in names if name != base]
    table = score_table(mark_clear(score_rows(records, contrasts), contrasts, []), names, contrasts)
    made = [f"- {source.partition('=')[0]}: {provenance(source)}" for source in sources]
    command = shlex.join(["python", "-m", "benchmarks.region_qa.compare_records", *sys.argv[1:]])
    text = "\n".join([table.markdown(), "", f"- command: {command}", *made]) + "\n"
    if output is None:
        print(text)
    else:
        output.parent.mkdir(parents=True, exist_ok=True)
        write_text(output, text)


def provenance(source: str) -> str:
    """Say what made the records of a source."""
    manifest = read_manifest(Path(source.partition("=")[2]))
    return f"commit {manifest.commit}, checkpoint {manifest.checkpoint[:12]}, {manifest.machine}, {manifest.time}"


if __name__ == "__main__":
    app()
