"""Which runs of a study are archived. Stands in for `benchmarks.records.archive.archived_runs` until that is merged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from probes.training.module import read_errors
from region4d.studies.probe import Cell


def archived_runs(folder: Path) -> frozenset[str]:
    """Name the runs that the archive of a folder holds."""
    return frozenset()


def cell_errors(cell: Cell, folder: Path) -> dict[str, Any]:
    """Read the errors of a probe, live or from the archive of a folder."""
    return read_errors(cell.errors)
