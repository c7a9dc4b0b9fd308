"""The report on questions about a real room: tables of the archived answers of all arms, view by view."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.comparison.cell import cell, number_cell
from benchmarks.records.archive import read_archive, read_runs
from benchmarks.records.record import Record
from benchmarks.region_qa.scores import NumericError, constant_score, mean_score, numeric_errors, score_rows
from benchmarks.report.page import provenance_markdown
from benchmarks.report.table import Table, tables_markdown

CATEGORIES = ("nearer_camera", "nearer_region", "higher", "distance")
ARMS = ("3D", "2D", "3D on noise", "lower is nearer")
POSES = ("sensor", "odometry", "COLMAP", "still camera")  # of a model that is given other poses
FROM_FRAMES = """
The same model answers the same questions about one clip, with the poses of the trajectory (sensor), with poses that
Open3D's odometry or COLMAP estimate from the frames and their depth, and, as a control, with the pose of the first
frame for all frames. The answers that count as right are those of the trajectory. All items come from one room and a
few neighbouring frames: they are dependent, and the intervals (bootstrap over items) are too narrow for any claim about
other rooms.
"""
READ_OUT = """
This shows **geometry read-out**, not recognition: the label and the 3D position encoding come from the same depth
sensor, and the arm with noise instead of RGB shows how much is left without any picture. All items come from one room
and a few neighbouring frames: they are dependent, and the intervals (bootstrap over items) are too narrow for any claim
about other rooms. The constant is the best single answer, chosen on these items.
"""


def real_rgbd_report(folder: Path) -> str:
    """Write the report of what the archive of a folder holds, a section a task.

    Raises:
        ValueError: It holds nothing.
    """
    archive, runs = read_archive(folder), read_runs(folder)
    if not archive:
        raise ValueError(f"{folder} has no archived answers: run `region4d records real-rgbd ROOM` first")
    parts = ["# Zero-shot on a real room"]
    for task in dict.fromkeys(task for task, _, _ in archive):
        records = [r for arm in (*ARMS, *POSES) for r in archive.get((task, arm, 0), ())]
        manifest = next(run.manifests[task] for run in runs.values() if task in run.manifests)
        parts += [f"## {task}", tables_markdown(tables(records)), provenance_markdown(manifest)]
    return "\n\n".join(parts) + f"\n{FROM_FRAMES if records[0].arm in POSES else READ_OUT}"


def tables(records: Sequence[Record]) -> list[Table]:
    """Lay out the score of every arm by category, and the errors of distances."""
    arms = list(dict.fromkeys(record.arm for record in records))
    rows = []
    for category in CATEGORIES:
        groups = [[r for r in records if r.arm == arm and r.category == category] for arm in arms]
        scores = [cell(mean_score(single_clusters(group))) if group else "" for group in groups]
        rows.append([category, str(len(groups[0])), number_cell(constant_score(groups[0])), *scores])
    others = [arm for arm in arms[1:] if arm in POSES]
    contrasts = [
        [row.category, *(cell(difference, signed=True) for difference in row.differences)]
        for row in (score_rows(single_clusters(records), [(arm, arms[0]) for arm in others]) if others else ())
        if row.category in CATEGORIES
    ]
    best = constant_error([r for r in records if r.arm == arms[0] and r.category == "distance"])
    errors = [
        [error.arm, f"{error.median_relative:.1%}", f"{error.mean_log:.3f}"]
        for error in [*numeric_errors(records), best]
    ]
    return [
        Table(["category", "items", "constant", *arms], rows),
        *([Table(["difference", *(f"{arm} - {arms[0]}" for arm in others)], contrasts)] if others else []),
        Table(["distance in metres", "median relative error", "mean abs. log error"], errors),
    ]


def single_clusters(records: Sequence[Record]) -> list[Record]:
    """Make every item its own cluster: one room has too few frames to resample them."""
    return [replace(record, cluster=record.item) for record in records]


def constant_error(records: Sequence[Record]) -> NumericError:
    """Measure the best constant: the median of the truths in logarithms, chosen on these items."""
    truth = np.array([record.value for record in records], dtype=np.float64)
    guess = float(np.exp(np.median(np.log(truth))))
    relative, logarithmic = np.abs(guess - truth) / truth, np.abs(np.log(guess / truth))
    return NumericError("distance", "median of the truths", float(np.median(relative)), float(logarithmic.mean()), 0.0)
