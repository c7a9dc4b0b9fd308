"""Figures of a probe study, as SVG text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np

from benchmarks.comparison.bootstrap import Estimate
from benchmarks.comparison.metric import Metric
from benchmarks.report.plots import COLOURS, error_bars, svg


def heat_maps(cells: Mapping[str, Mapping[tuple[int, float | None], float]]) -> str:
    """Draw the error of every model by layer (across) and noise level (up), one scale of colours for all."""
    sizes = {model: sorted({layer for layer, _ in errors}) for model, errors in cells.items()}
    levels = {model: sorted({sigma for _, sigma in errors}, key=lambda s: s or 0) for model, errors in cells.items()}
    every = [error for errors in cells.values() for error in errors.values()]
    widths = [max(2, len(layers)) for layers in sizes.values()]
    height = 1.1 + 0.42 * max(len(each) for each in levels.values())
    figure, axes = plt.subplots(
        1, len(cells), figsize=(0.8 + 0.75 * sum(widths) + 0.5 * len(cells), height), squeeze=False, width_ratios=widths
    )
    for place, (model, errors) in zip(axes[0], cells.items(), strict=True):
        table = np.full((len(levels[model]), len(sizes[model])), np.nan)
        for (layer, sigma), error in errors.items():
            row, column = levels[model].index(sigma), sizes[model].index(layer)
            table[row, column] = error
            shade = (error - min(every)) / max(max(every) - min(every), 1e-9)
            place.text(column, row, f"{error:.3f}", ha="center", va="center", color="white" if shade < 0.5 else "black")
        place.imshow(table, cmap="viridis", vmin=min(every), vmax=max(every), origin="lower", aspect="auto")
        place.set_xticks(range(len(sizes[model])), [str(layer + 1) for layer in sizes[model]])
        place.set_yticks(range(len(levels[model])), ["" if s is None else f"{s:g}" for s in levels[model]])
        place.set_title(model, fontsize=9)
        place.set_xlabel("layer")
        if levels[model] != [None]:
            place.set_ylabel("sigma")
        for spine in place.spines.values():
            spine.set_visible(False)
    figure.suptitle("point error on validation clips", fontsize=9)
    figure.tight_layout()
    return svg(figure)


def capacity_lines(lines: Mapping[str, Sequence[tuple[str, Estimate]]]) -> str:
    """Draw the point error of every model against the capacity of the probe, with 95 % intervals."""
    steps = list(dict.fromkeys(step for line in lines.values() for step, _ in line))
    figure, axes = plt.subplots(figsize=(1.6 + 1.2 * len(steps), 2.8))
    for number, (model, line) in enumerate(lines.items()):
        x = np.array([steps.index(step) for step, _ in line]) + 0.05 * (number - (len(lines) - 1) / 2)
        mean, error = error_bars([estimate for _, estimate in line])
        axes.errorbar(x, mean, yerr=error, marker="o", ms=4, lw=1.4, color=COLOURS[number], label=model)
    axes.set_xticks(range(len(steps)), steps)
    axes.set_ylabel("point error")
    axes.legend(frameon=False)
    return svg(figure)


def radar(metrics: Sequence[Metric], means: Mapping[str, Sequence[float]]) -> str:
    """Draw every model as a polygon: further out is better, the best model of a metric at 1.

    An error counts as (least error) / (error), a score as (score) / (best score).
    """
    angles = np.linspace(0, 2 * np.pi, len(metrics), endpoint=False)
    table = np.array(list(means.values()), dtype=float)
    best = np.array(
        [column.max() if m.more_is_better else column.min() for m, column in zip(metrics, table.T, strict=True)]
    )
    shares = np.array(
        [
            [value / top if m.more_is_better else top / value for m, value, top in zip(metrics, row, best, strict=True)]
            for row in table
        ]
    )
    figure, axes = plt.subplots(figsize=(4.6, 3.6), subplot_kw={"projection": "polar"})
    for number, (model, row) in enumerate(zip(means, np.nan_to_num(shares), strict=True)):
        around, out = np.append(angles, angles[0]), np.append(row, row[0])
        axes.plot(around, out, color=COLOURS[number], lw=1.4, label=model)
        axes.fill(around, out, color=COLOURS[number], alpha=0.08)
    axes.set_xticks(angles, [metric.name for metric in metrics])
    axes.tick_params(axis="x", pad=12)
    axes.set_ylim(0, 1.02)
    axes.set_yticks([0.25, 0.5, 0.75, 1.0], ["", "", "", ""])
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1.2, 0.5))
    return svg(figure)
