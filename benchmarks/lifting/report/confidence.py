"""Whether the confidence of a lift is what it says: the solid IoU to expect, in the camera frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import matplotlib.pyplot as plt
import numpy as np
import torch
from jaxtyping import Float
from scipy.stats import spearmanr

from benchmarks.comparison.bootstrap import Estimate, draw_resamples, estimate_of_draws
from benchmarks.comparison.cell import cell
from benchmarks.comparison.comparison import seeded
from benchmarks.lifting.study import LiftStudy, lift_comparison, words
from benchmarks.records.record import Record
from benchmarks.report.page import Section
from benchmarks.report.plots import error_bars, line_style, svg
from benchmarks.report.table import Table

OVERLAP = "camera_solid_iou"  # what a confidence predicts
BINS = 5  # of equally many objects
FEWEST = 20  # objects, below which nothing is said
RESAMPLES = 2_000
Curve = Sequence[tuple[float, Estimate, int]]  # mean confidence of a bin, its true overlap, its objects


def confidence_section(study: LiftStudy, test: str) -> Section:
    """Compare the confidence of every method that states one with the overlap that its lifts have."""
    known = {method: stated(study.of(test, method)) for method in study.methods}
    known = {method: records for method, records in known.items() if len(records) >= FEWEST}
    ranks = [
        [method, str(len(records)), cell(rank_correlation(records), 2), cell(bias(records), 3, signed=True)]
        for method, records in known.items()
    ]
    curves = {method: calibration_curve(records) for method, records in known.items()}
    bins = [
        [method, str(count), f"{confidence:.2f}", cell(overlap, 2)]
        for method, curve in curves.items()
        for confidence, overlap, count in curve
    ]
    tables = [
        Table(["method", "objects with a confidence", "rank correlation", "confidence - solid IoU"], ranks, label=2),
        Table(["method", "objects", "mean confidence", "mean solid IoU"], bins, label=2),
    ]
    text = (
        "A confidence states the solid IoU with the true object to expect, in the camera frame, nothing aligned. "
        "Rank correlation: Spearman's. Below, objects in order of their confidence, in fifths: a calibrated one has "
        "equal means. Shapes of the hull state none."
    )
    return Section(f"Confidence, {words(test)}", text, tables if known else [], [draw_curves(curves)] if known else [])


def stated(records: Sequence[Record]) -> list[Record]:
    """List the records that state a confidence and whose overlap is known, the least confident first."""
    known = [record for record in records if record.facts.get("confidence") is not None and OVERLAP in record.metrics]
    return sorted(known, key=confidence_of)


def confidence_of(record: Record) -> float:
    """Give the confidence of a record that has one."""
    return cast(float, record.facts["confidence"])


def bias(records: Sequence[Record]) -> Estimate:
    """Estimate by how much confidence exceeds the overlap."""
    return lift_comparison(OVERLAP).estimate_values([confidence_of(r) - r.metrics[OVERLAP] for r in records], records)


def calibration_curve(records: Sequence[Record]) -> Curve:
    """Average confidence and overlap in bins of equally many records, which are in order of confidence."""
    curve = []
    for part in np.array_split(np.arange(len(records)), BINS):
        members = [records[k] for k in part]
        overlap = lift_comparison(OVERLAP).estimate(members)
        if overlap is not None:
            curve.append((float(np.mean([confidence_of(r) for r in members])), overlap, len(members)))
    return curve


def rank_correlation(records: Sequence[Record]) -> Estimate:
    """Estimate Spearman's rank correlation of confidence and overlap; resamples draw clusters."""
    clusters: dict[str, list[int]] = {}
    for k, record in enumerate(records):
        clusters.setdefault(record.cluster, []).append(k)
    members = list(clusters.values())
    pairs = np.array([[confidence_of(r), r.metrics[OVERLAP]] for r in records])
    counts = torch.cat([c for c, _ in draw_resamples(len(members), 1, seeded(), RESAMPLES)]).int().numpy()
    draws = [
        _spearman(pairs[[k for cluster, count in zip(members, row, strict=True) for k in cluster * int(count)]])
        for row in counts
    ]
    return estimate_of_draws(_spearman(pairs), torch.tensor(draws, dtype=torch.float64))


def _spearman(pairs: Float[np.ndarray, "item 2"]) -> float:
    if np.ptp(pairs, axis=0).min() == 0:  # all equal: no order
        return 0.0
    return float(spearmanr(pairs).statistic)


def draw_curves(curves: dict[str, Curve]) -> str:
    """Draw overlap against confidence, with 95 % intervals; on the diagonal both are equal."""
    figure, axes = plt.subplots(figsize=(4.2, 3.6))
    axes.plot([0, 1], [0, 1], color="black", lw=0.8, label="calibrated")
    for number, (method, curve) in enumerate(curves.items()):
        confidence = [each for each, _, _ in curve]
        mean, error = error_bars([overlap for _, overlap, _ in curve])
        axes.errorbar(confidence, mean, error, marker="o", ms=4, lw=1.2, label=method, **line_style(number + 1))
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="confidence", ylabel="solid IoU with the true object")
    axes.legend(frameon=False, loc="upper left")
    return svg(figure)
