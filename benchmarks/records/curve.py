"""Learning curves, from the CSV log of a training."""

from __future__ import annotations

import csv

STEP_COLUMN, LOSS_COLUMN = "step", "loss"


def parse_curve(text: str) -> tuple[list[float], list[float]]:
    """Read the steps and losses of a run; both lists are empty without a log."""
    rows = [row for row in csv.DictReader(text.splitlines()) if row.get(LOSS_COLUMN)]
    return [float(row[STEP_COLUMN]) for row in rows], [float(row[LOSS_COLUMN]) for row in rows]
