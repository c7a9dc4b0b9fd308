"""One run to compare: records of this project, or the sample log of another tool as records."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.diff.media import media_of
from benchmarks.records.manifest import Manifest
from benchmarks.records.record import Record


@dataclass(frozen=True)
class Fields:
    """Which fields of a foreign log hold what; None for the first known one that it has."""

    metric: str | None = None
    category: str | None = None
    cluster: str | None = None


@dataclass(frozen=True)
class Run:
    """The records of one run.

    Args:
        source: as the user named it.
        records: one per item.
        tool: what wrote it.
        metric: what was scored, by the name that the tool gives it.
        manifest: provenance, where the tool records it.
        knows_unparsed: whether the tool records which answers it could not read.
    """

    source: str
    records: Sequence[Record]
    tool: str
    metric: str = "score"
    manifest: Manifest | None = None
    knows_unparsed: bool = True


CATEGORIES = ("category", "question_type", "task_type", "l2-category", "sub_task", "task", "type", "split")
CLUSTERS = ("scene_name", "scene_id", "scene", "video_path", "video", "video_id", "clip", "image_path")
METRICS = ("score", "hit", "accuracy", "exact_match", "MRA:.5:.95:.05", "acc", "correct", "anls", "relaxed_overall")


def first_known(row: Mapping[str, Any], asked: str | None, known: Sequence[str], where: str) -> str | None:
    """Find the field that a user asked for, or the first known one that is not empty.

    Raises:
        ValueError: the row has not the field that was asked for.
    """
    if asked is not None:
        if asked not in row:
            raise ValueError(f"{where} has no field '{asked}'; its fields are: {', '.join(map(str, row))}")
        return asked
    return next((name for name in known if not is_empty(row.get(name))), None)


def is_empty(value: object) -> bool:
    """Whether a cell holds nothing: none, blank, or not a number."""
    return value is None or value == "" or value != value


def number_of(value: object) -> float | None:
    """Read a score: a finite number or a truth value, also as text; None for anything else."""
    if isinstance(value, str):
        word = value.strip().lower()
        value = word == "true" if word in ("true", "false") else word
    if not isinstance(value, bool | int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def scored_by(row: Mapping[str, Any], asked: str | None, where: str) -> tuple[str, float]:
    """Find the score of a row, and the name of its metric.

    Raises:
        ValueError: there is none, or the field that was asked for is not a number.
    """
    if asked is not None:
        first_known(row, asked, (), where)
        if (value := number_of(row[asked])) is None:
            raise ValueError(f"{where}: '{asked}' is {row[asked]!r}, which is not a number")
        return asked, value
    for name, value in _scores(row):
        return name, value
    raise ValueError(
        f"{where} has no score among {', '.join(METRICS)}: name its field with --metric; its fields are "
        f"{', '.join(map(str, row))}"
    )


def foreign_record(
    row: Mapping[str, Any], where: str, fields: Fields, metric: str | None, item: str, **said: str | None
) -> Record:
    """Make the record of a row of another tool; `said` are question, answer, prediction and what was parsed of it.

    Raises:
        ValueError: the row has no score, or lacks a field that was asked for.
    """
    metric, score = scored_by(row, metric, where)
    category = first_known(row, fields.category, CATEGORIES, where)
    cluster = first_known(row, fields.cluster, CLUSTERS, where)
    return Record(
        task="",
        item=item,
        cluster=item if cluster is None else str(row[cluster]),
        arm="",
        seed=0,
        metrics={"score": score},
        facts={"metric": metric} | ({"media": media} if (media := media_of(row)) else {}),
        category="" if category is None else str(row[category]),
        **said,  # type: ignore[arg-type]  # texts
    )


def _scores(row: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    for name in METRICS:
        if (value := number_of(row.get(name))) is not None:
            yield name, value
