"""The report on estimated poses: errors with intervals, clips that were refused, clips that are wrong unsaid."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
from scipy.stats import bootstrap

from benchmarks.geometry.routes import FRAMES, HEIGHT, ROUTES, WIDTH, PoseRecord
from benchmarks.report.table import Table, tables_markdown

WRONG_DEG = 2.0  # a clip with a larger rotation error counts as wrong
RESAMPLES = 2_000
MOVES = 0.05  # metres: a camera on a shorter path turns or rests
TEXT = f"""
Clips have {FRAMES} frames of {WIDTH} x {HEIGHT} pixels; moving ones show objects that move, and the camera of those
at rest turns or stands. Errors are the largest of a clip, seen from the first camera. Tables show their median over
the clips that were registered, with 95 % intervals (bootstrap over clips). *colmap* has no depth: its translations
are compared after the best scale, where the camera moves, its sparse depth after the median ratio. *wrong* is the
share of registered clips whose rotation error exceeds {WRONG_DEG:g} degrees: no message told the user. *odometry*
and *colmap with depth* are given the true depth, and all routes the intrinsics.
"""


def poses_report(records: Sequence[PoseRecord]) -> str:
    """Write the tables as Markdown."""
    rows, refusals = [], Counter[tuple[str, str]]()
    for kind in sorted(set(map(kind_of, records))):
        for route in ROUTES:
            of_route = [record for record in records if (kind_of(record), record.route) == (kind, route)]
            if of_route:
                rows.append([f"{kind}: {route}", str(len(of_route)), *cells(of_route)])
            refusals.update((f"{kind}: {route}", plain(r.refusal)) for r in of_route if r.refusal is not None)
    columns = ["clips: route", "count", "registered", "rotation, degrees", "translation, mm", "depth, %", "wrong"]
    tables = [Table(columns, rows)]
    if refusals:
        said = [[where, str(number), words] for (where, words), number in refusals.items()]
        tables.append(Table(["clips: route", "count", "what it said"], said))
    return "\n\n".join(["# Estimated camera poses", tables_markdown(tables), TEXT.strip()]) + "\n"


def kind_of(record: PoseRecord) -> str:
    """Name the kind of a clip, and whether its camera moves."""
    return record.kind if record.path > MOVES else f"{record.kind}, at rest"


def has_scale(record: PoseRecord) -> bool:
    """Whether translations can be compared: in metres, or after a scale that a path fixes."""
    return ROUTES[record.route][1] or record.path > MOVES


def cells(records: Sequence[PoseRecord]) -> list[str]:
    """Summarise a route on clips of one kind."""
    known = [record for record in records if record.rotation_deg is not None]
    registered = [float(record.rotation_deg is not None) for record in records]
    columns: list[tuple[list[float], Callable[..., np.ndarray], str]] = [
        (registered, np.mean, ".2f"),
        ([r.rotation_deg for r in known if r.rotation_deg is not None], np.median, ".2f"),
        ([1000 * r.translation for r in known if r.translation is not None and has_scale(r)], np.median, ".1f"),
        ([100 * r.depth_error for r in known if r.depth_error is not None], np.median, ".1f"),
        ([float((r.rotation_deg or 0) > WRONG_DEG) for r in known], np.mean, ".2f"),
    ]
    return [interval(values, statistic, form) for values, statistic, form in columns]


def interval(values: Sequence[float], statistic: Callable[..., np.ndarray], form: str) -> str:
    """Write a statistic with its percentile interval; of a single clip the value alone."""
    if not values:
        return ""
    array = np.array(values)
    if len(array) == 1:
        return f"{array[0]:{form}}"
    sampled = bootstrap((array,), statistic, n_resamples=RESAMPLES, method="percentile", rng=0).confidence_interval
    return f"{statistic(array):{form}} [{sampled.low:{form}}, {sampled.high:{form}}]"


def plain(refusal: str) -> str:
    """Take the first clause of an error, without the numbers of its frames."""
    return re.sub(r"frames \[[\d, ]*\] of \d+", "frames [...]", refusal.split(":")[0]).split(";")[0]
