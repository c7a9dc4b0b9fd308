"""The metrics of a training that was interrupted, continued in the same file."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from lightning.pytorch.loggers import CSVLogger
from lightning.pytorch.loggers.csv_logs import ExperimentWriter

from scenes.storage.atomic import write_text


class ContinuedMetrics(ExperimentWriter):
    """Keeps the file that is there, which Lightning's own writer deletes."""

    def _check_log_dir_exists(self) -> None:
        """Delete nothing."""


def continue_metrics(logger: CSVLogger, steps: int) -> None:
    """Let a logger append to the rows of the first `steps` optimizer steps; later rows are dropped, to come again.

    Rows that were cut while they were written are dropped, too.
    """
    path = Path(logger.log_dir) / ExperimentWriter.NAME_METRICS_FILE
    names, rows = _read(path)
    kept = [row for row in rows if int(row["step"]) < steps]
    writer = ContinuedMetrics(logger.log_dir)
    if kept:
        table = io.StringIO(newline="")
        out = csv.DictWriter(table, names, lineterminator="\r\n")  # as Lightning's own
        out.writeheader()
        out.writerows(kept)
        write_text(path, table.getvalue())
        writer.metrics_keys = names
    else:
        path.unlink(missing_ok=True)
    logger._experiment = writer


def _read(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    if not path.is_file():
        return [], []
    with path.open(newline="", encoding="utf-8", errors="replace") as file:
        reader = csv.DictReader(file)
        rows = [row for row in reader if None not in row.values() and None not in row and row.get("step", "").isdigit()]
    return list(reader.fieldnames or ()), rows
