"""Published means of lifting beside ours."""

from __future__ import annotations

from benchmarks.comparison.cell import cell
from benchmarks.lifting.scores import METRICS
from benchmarks.lifting.study import LiftStudy
from benchmarks.report.page import Section
from benchmarks.report.table import Table


def published(study: LiftStudy, test: str) -> Section:
    """Put published means beside ours, and say what differs between the two measurements."""
    keys = {key for values in study.published.values() for key in values}
    metrics = study.measures(test, [metric for key, metric in METRICS.items() if key in keys])
    rows = [
        [f"{method}, ours", *(cell(study.estimate(test, method, m.key), m.digits) for m in metrics)]
        for method in study.methods
        if study.of(test, method)
    ]
    rows += [
        [name, *(f"{values[m.key]:g}" if m.key in values else "" for m in metrics)]
        for name, values in study.published.items()
    ]
    missing = [METRICS[key].heading for key in METRICS if key in keys - {metric.key for metric in metrics}]
    text = "What differs between the two, beside chance:\n\n" + "\n".join(f"- {words}" for words in study.differences)
    if missing:
        text += f"\n- published, and not measured here for lack of meshes or poses: {', '.join(missing)}"
    table = Table(["", *(metric.heading for metric in metrics)], rows)
    return Section(f"Beside the published numbers, {test.replace('_', ' ')}", text, [table] if metrics else [])
