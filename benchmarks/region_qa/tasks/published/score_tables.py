"""Published scores as configurations list them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from typing import Any

from benchmarks.region_qa.tasks.protocol import EvaluationProtocol, PublishedScore

NOT_STATED = "not stated"


def published_scores(tables: Iterable[Mapping[str, Any]], official: EvaluationProtocol) -> list[PublishedScore]:
    """Read tables of published scores.

    Args:
        tables: each has `model`, `source`, `scores` (percent by category or average), and `measured`: fields of the
            protocol that the source states. The number of frames of a video is "not stated" without it; all other
            fields are those of the benchmark's own evaluation.
        official: the benchmark's own evaluation.

    Raises:
        ValueError: a table lacks a field, or `measured` names an unknown one.
    """
    known = {field.name for field in fields(EvaluationProtocol)}
    scores = []
    for table in tables:
        if missing := {"model", "source", "scores"} - table.keys():
            raise ValueError(f"a table of published scores lacks {', '.join(sorted(missing))}: {dict(table)}")
        frames = {} if official.frames is None else {"frames": NOT_STATED}
        measured = {**frames, **table.get("measured", {})}
        if unknown := measured.keys() - known:
            raise ValueError(f"measured: {', '.join(sorted(unknown))} is unknown; give some of {', '.join(known)}")
        protocol = replace(official, **measured)
        for category, percent in table["scores"].items():
            scores.append(PublishedScore(table["model"], category, percent / 100, table["source"], protocol))
    return scores
