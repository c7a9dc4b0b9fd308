"""Figures of a report, as SVG text for an HTML file."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Float, Int
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.comparison.bootstrap import Estimate

COLOURS = ("#9aa5b1", "#1f6feb", "#d9480f", "#2b8a3e", "#862e9c", "#e67700", "#0b7285", "#c2255c", "#364fc7")
plt.rcParams.update(
    {
        "font.size": 9,
        "font.family": "sans-serif",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "svg.fonttype": "none",
        "svg.hashsalt": "region4d",  # the same records give the same bytes
    }
)


def line_style(number: int) -> dict[str, Any]:
    """Choose colour and dash of a line; lines of a second round of colours are dashed."""
    return {"color": COLOURS[number % len(COLOURS)], "ls": "--" if number >= len(COLOURS) else "-"}


def category_bars(
    categories: Sequence[str],
    scores: Mapping[str, Sequence[Estimate]],
    chance: Sequence[float | None],
    ceilings: Sequence[float | None],
) -> str:
    """Draw the score of every arm by category, with 95 % intervals.

    A black line marks the best constant answer, a dashed one the upper bound of a model without timestamps.
    """
    figure, axes = plt.subplots(figsize=(1.5 + max(0.95, 0.16 * len(scores)) * len(categories), 3.4))
    place = _bars(axes, scores)
    known = [(x, level) for x, level in zip(place, chance, strict=True) if level is not None]
    for number, (x, level) in enumerate(known):
        label = None if number else "best constant answer"
        axes.plot([x - 0.42, x + 0.42], [level, level], color="black", lw=1.1, label=label)
    timed = [(x, level) for x, level in zip(place, ceilings, strict=True) if level is not None]
    for number, (x, level) in enumerate(timed):
        label = None if number else "most without timestamps"
        axes.plot([x - 0.42, x + 0.42], [level, level], color="black", lw=1.1, ls=(0, (3, 2)), label=label)
    axes.set_xticks(place, [c.replace("_", "\n") for c in categories])
    axes.set_ylim(0, 1.02)
    axes.set_ylabel("accuracy")
    axes.legend(ncols=min(8, len(scores) + 2), loc="lower center", bbox_to_anchor=(0.5, 1.0), frameon=False)
    return svg(figure)


def probe_bars(signals: Sequence[str], scores: Mapping[str, Sequence[Estimate]]) -> str:
    """Draw R2 of the probes of every arm by signal, with 95 % intervals."""
    figure, axes = plt.subplots(figsize=(1.5 + max(1.2, 0.2 * len(scores)) * len(signals), 2.8))
    place = _bars(axes, scores)
    axes.set_xticks(place, signals)
    axes.set_ylabel("R² of linear probes")
    axes.legend(ncols=min(8, len(scores)), loc="lower center", bbox_to_anchor=(0.5, 1.0), frameon=False)
    return svg(figure)


def probe_curves(signals: Sequence[str], layers: Mapping[str, Mapping[str, Sequence[float]]]) -> str:
    """Draw R2 of the probes against the layer that they read, by signal and arm."""
    figure, axes = plt.subplots(1, len(signals), figsize=(2.4 * len(signals), 2.4), squeeze=False)
    for place, signal in zip(axes[0], signals, strict=True):
        for number, (arm, curves) in enumerate(layers.items()):
            place.plot(curves[signal], marker="o", ms=3, lw=1.2, label=arm, **line_style(number))
        place.set_title(signal, fontsize=9)
        place.set_xlabel("layer (0: embeddings)")
    axes[0, 0].set_ylabel("R² of linear probes")
    axes[0, -1].legend(frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    figure.tight_layout()
    return svg(figure)


def duration_curves(panels: Mapping[str, Mapping[str, Sequence[tuple[float, float, Estimate]]]]) -> str:
    """Draw the accuracy of every arm against the duration of a clip: (shortest, longest, accuracy), one panel each."""
    figure, axes = plt.subplots(1, len(panels), figsize=(3.2 * len(panels), 2.6), squeeze=False, sharey=True)
    for panel, (title, arms) in zip(axes[0], panels.items(), strict=True):
        for number, (arm, bins) in enumerate(arms.items()):
            middle = [math.sqrt(low * high) for low, high, _ in bins]
            mean, error = error_bars([score for _, _, score in bins])
            panel.errorbar(middle, mean, yerr=error, marker="o", ms=3, lw=1.2, label=arm, **line_style(number))
        panel.set_xscale("log")
        panel.set_title(title, fontsize=9)
        panel.set_xlabel("duration of the clip (s)")
    axes[0, 0].set_ylim(0, 1.02)
    axes[0, 0].set_ylabel("accuracy")
    axes[0, -1].legend(frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    figure.tight_layout()
    return svg(figure)


def difference_forest(categories: Sequence[str], differences: Mapping[str, Sequence[Estimate | None]]) -> str:
    """Draw paired differences with 95 % intervals; an interval that crosses zero is a null result."""
    rows = len(categories) * len(differences)
    figure, axes = plt.subplots(figsize=(6.4, 0.9 + 0.26 * rows))
    for number, (name, intervals) in enumerate(differences.items()):
        offset = (number - (len(differences) - 1) / 2) * 0.7 / len(differences)
        known = [(row, i) for row, i in enumerate(intervals) if i is not None]
        y = np.array([row for row, _ in known]) + offset
        mean, error = error_bars([i for _, i in known])
        colour = COLOURS[(number + 1) % len(COLOURS)]
        axes.errorbar(mean, y, xerr=error, fmt="o", ms=4, lw=1.4, color=colour, label=name)
    axes.axvline(0, color="black", lw=0.8)
    axes.set_yticks(np.arange(len(categories)), categories)
    axes.invert_yaxis()
    axes.set_xlabel("difference in accuracy (paired, 95 % interval)")
    axes.legend(frameon=False, loc="best")
    return svg(figure)


def contrast_panels(panels: Mapping[str, Mapping[str, Estimate]]) -> str:
    """Draw paired differences with 95 % intervals: one row per contrast, one panel per category."""
    names = list(dict.fromkeys(name for differences in panels.values() for name in differences))
    size = (1.4 + 2.4 * len(panels), 0.8 + 0.26 * len(names))
    figure, axes = plt.subplots(1, len(panels), figsize=size, squeeze=False, sharey=True)
    for panel, (title, differences) in zip(axes[0], panels.items(), strict=True):
        mean, error = error_bars(list(differences.values()))
        rows = [names.index(name) for name in differences]
        panel.errorbar(mean, rows, xerr=error, fmt="o", ms=4, lw=1.4, color=COLOURS[1])
        panel.axvline(0, color="black", lw=0.8)
        panel.set_title(title, fontsize=9)
    axes[0, 0].set_yticks(np.arange(len(names)), names)
    axes[0, 0].invert_yaxis()
    figure.supxlabel("difference in accuracy (paired, 95 % interval)", fontsize=9)
    figure.tight_layout()
    return svg(figure)


def method_bars(panels: Mapping[str, Mapping[str, Estimate]]) -> str:
    """Draw an estimate of every method with its 95 % interval, one panel a metric."""
    rows = max(len(methods) for methods in panels.values())
    figure, axes = plt.subplots(1, len(panels), figsize=(4.2 * len(panels), 0.9 + 0.24 * rows), squeeze=False)
    for panel, (title, methods) in zip(axes[0], panels.items(), strict=True):
        mean, error = error_bars(list(methods.values()))
        panel.barh(np.arange(len(methods)), mean, xerr=error, color=COLOURS[1], error_kw={"lw": 0.8}, height=0.7)
        panel.set_yticks(np.arange(len(methods)), list(methods))
        panel.invert_yaxis()
        panel.set_xlabel(title)
    figure.tight_layout()
    return svg(figure)


def learning_curves(curves: Mapping[str, tuple[Sequence[float], Sequence[float]]]) -> str:
    """Draw training loss against step for every arm and seed."""
    figure, axes = plt.subplots(figsize=(6.4, 2.8))
    for number, (arm, (step, loss)) in enumerate(curves.items()):
        window = max(1, len(loss) // 60)
        smooth = np.convolve(np.asarray(loss, dtype=float), np.ones(window) / window, mode="valid")
        axes.plot(np.asarray(step)[window - 1 :], smooth, lw=1.2, label=arm, **line_style(number))
    axes.set_xlabel("step")
    axes.set_ylabel("loss (nats per answer token)")
    axes.legend(frameon=False)
    return svg(figure)


def _bars(axes: Axes, scores: Mapping[str, Sequence[Estimate]]) -> Int[np.ndarray, "group"]:
    """Draw groups of bars with their intervals, one bar an arm; return the positions of the groups."""
    width, place = 0.8 / len(scores), np.arange(len(next(iter(scores.values()))))
    for number, (arm, intervals) in enumerate(scores.items()):
        mean, error = error_bars(intervals)
        left = place - 0.4 + (number + 0.5) * width
        colour = COLOURS[number % len(COLOURS)]
        hatch = "////" if number >= len(COLOURS) else None  # where colours repeat
        bars: dict[str, Any] = {"color": colour, "hatch": hatch, "edgecolor": "white", "lw": 0}
        axes.bar(left, mean, width * 0.92, yerr=error, label=arm, error_kw={"lw": 0.8}, **bars)
    return place


def error_bars(
    estimates: Sequence[Estimate],
) -> tuple[Float[np.ndarray, "estimate"], Float[np.ndarray, "2 estimate"]]:
    """Lay out means, and the lengths of their intervals below and above."""
    mean = np.array([e.mean for e in estimates])
    error = np.array([[e.mean - e.low, e.high - e.mean] for e in estimates])
    return mean, error.reshape(-1, 2).T.clip(min=0)


def svg(figure: Figure) -> str:
    """Write a figure as SVG text, and close it."""
    text = io.StringIO()
    figure.savefig(text, format="svg", bbox_inches="tight", metadata={"Date": None})
    plt.close(figure)
    return text.getvalue()[text.getvalue().index("<svg") :]
