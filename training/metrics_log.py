"""The metrics of a training that was interrupted, continued in the same file."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lightning import Callback, LightningModule, Trainer
from lightning.pytorch.loggers import CSVLogger
from lightning.pytorch.loggers.csv_logs import ExperimentWriter

from scenes.storage.atomic import write_text

ROW = "metrics_row"  # in a checkpoint: what its last step logged


class KeepRow(Callback):
    """Keeps in every checkpoint the row of its step, which Lightning logs only after it has saved the checkpoint."""

    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Add the row, if the step is logged."""
        connector = trainer._logger_connector
        if trainer.training and connector.should_update_logs and (logged := connector.metrics["log"]):
            step = trainer.fit_loop.epoch_loop._batches_that_stepped
            values = {name: float(value) for name, value in logged.items()}
            checkpoint[ROW] = {"epoch": trainer.current_epoch, **values, "step": step}


class ContinuedMetrics(ExperimentWriter):
    """Keeps the file that is there, which Lightning's own writer deletes."""

    def _check_log_dir_exists(self) -> None:
        """Delete nothing."""


def continue_metrics(logger: CSVLogger, steps: int, last: Mapping[str, int | float] | None = None) -> None:
    """Let a logger append to the rows of the first `steps` optimizer steps; later rows are dropped, to come again.

    Rows that were cut while they were written are dropped, too. `last` is the row that the checkpoint keeps of its own
    step; it is added where a training was killed before it was logged.
    """
    path = Path(logger.log_dir) / ExperimentWriter.NAME_METRICS_FILE
    names, rows = _read(path)
    kept = [row for row in rows if int(row["step"]) < steps]
    if last is not None and last["step"] < steps and all(int(row["step"]) < last["step"] for row in kept):
        names = [*names, *sorted(set(last) - set(names))] if kept else sorted(last)  # as Lightning's own
        kept.append({name: str(value) for name, value in last.items()})
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
