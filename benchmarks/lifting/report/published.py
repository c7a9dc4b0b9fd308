"""Published means of lifting beside ours."""

from __future__ import annotations

from benchmarks.comparison.cell import cell
from benchmarks.lifting.scores import METRICS
from benchmarks.lifting.study import LiftStudy, words
from benchmarks.report.page import Section
from benchmarks.report.table import Table

NEAREST = {"box_iou_aligned": "box_iou_true_axes"}  # what is measured of a box alone, in place of a published metric


def published(study: LiftStudy, test: str) -> Section:
    """Put published means beside ours, and say what differs between the two measurements.

    Every published metric has a column; one that is not measured here is followed by the nearest that is.
    """
    keys = {key for values in study.published.values() for key in values}
    measured = study.measures(test, list(METRICS.values()))
    nearest = {near for key, near in NEAREST.items() if key in keys and METRICS[key] not in measured}
    metrics = [m for key, m in METRICS.items() if key in keys or (key in nearest and m in measured)]
    rows = [
        [
            f"{method}, ours",
            str(len(study.of(test, method))),
            str(study.failures(test, method)),
            *(cell(study.estimate(test, method, m.key), m.digits) for m in metrics),
        ]
        for method in study.methods
        if study.of(test, method)
    ]
    rows += [
        [name, "", "", *(f"{values[m.key]:g}" if m.key in values else "" for m in metrics)]
        for name, values in study.published.items()
    ]
    differences = "\n".join(f"- {words}" for words in study.differences)
    text = (
        "Failed: of the objects, those without a mesh, left out of our means. Empty: not measured, or not published. "
        f"What differs between the two, beside chance:\n\n{differences}"
    )
    table = Table(["", "objects", "failed", *(metric.heading for metric in metrics)], rows)
    return Section(f"Beside the published numbers, {words(test)}", text, [table] if keys else [])
