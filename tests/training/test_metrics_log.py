"""The metrics of a training that was stopped read as those of one that was not."""

from __future__ import annotations

from pathlib import Path

import pytest
from lightning.pytorch.loggers import CSVLogger

from training.metrics_log import continue_metrics


def log(folder: Path, start: int, steps: range, names: tuple[str, ...] = ("loss",)) -> str:
    logger = CSVLogger(folder, name="", version="", flush_logs_every_n_steps=1)
    continue_metrics(logger, start)
    for step in steps:
        logger.log_metrics(dict.fromkeys(names, step / 10), step)
    logger.finalize("success")
    return (folder / "metrics.csv").read_text() if (folder / "metrics.csv").is_file() else ""


@pytest.mark.parametrize("stopped_after", [4, 6])
def test_rows_continue_where_the_checkpoint_is(tmp_path: Path, stopped_after: int) -> None:
    whole = log(tmp_path / "whole", 0, range(8))
    log(tmp_path / "stopped", 0, range(stopped_after))
    assert log(tmp_path / "stopped", 4, range(4, 8)) == whole


def test_a_training_that_was_stopped_at_its_end_keeps_its_rows(tmp_path: Path) -> None:
    whole = log(tmp_path, 0, range(8))
    assert log(tmp_path, 8, range(0)) == whole


def test_a_row_that_was_cut_while_it_was_written_is_dropped(tmp_path: Path) -> None:
    whole = log(tmp_path, 0, range(8), ("loss", "norm"))
    lines = whole.splitlines(keepends=True)
    (tmp_path / "metrics.csv").write_text("".join(lines[:5]) + "0.4,")
    assert log(tmp_path, 5, range(5, 8), ("loss", "norm")).splitlines() == [
        line.strip() for line in (*lines[:5], *lines[6:])
    ]


def test_a_metric_that_comes_later_gets_a_column(tmp_path: Path) -> None:
    log(tmp_path, 0, range(2))
    rows = log(tmp_path, 2, range(2, 3), ("loss", "norm")).splitlines()
    assert rows == ["loss,norm,step", "0.0,,0", "0.1,,1", "0.2,0.2,2"]


def test_without_a_checkpoint_the_rows_start_again(tmp_path: Path) -> None:
    log(tmp_path, 0, range(4))
    assert log(tmp_path, 0, range(1)).splitlines() == ["loss,step", "0.0,0"]


def test_a_row_of_a_checkpoint_with_another_metric_gets_a_column(tmp_path: Path) -> None:
    log(tmp_path, 0, range(2))
    logger = CSVLogger(tmp_path, name="", version="")
    continue_metrics(logger, 3, {"loss": 0.2, "norm": 1.0, "step": 2})
    rows = (tmp_path / "metrics.csv").read_text().splitlines()
    assert rows == ["loss,step,norm", "0.0,0,", "0.1,1,", "0.2,2,1.0"]


@pytest.mark.parametrize("logged", [0, 3, 4])
def test_the_row_that_a_checkpoint_keeps_is_added_where_it_was_not_logged_yet(tmp_path: Path, logged: int) -> None:
    whole = log(tmp_path / "whole", 0, range(4))
    log(tmp_path / "stopped", 0, range(logged))
    logger = CSVLogger(tmp_path / "stopped", name="", version="")
    continue_metrics(logger, 4, {"loss": 0.3, "step": 3})
    found = (tmp_path / "stopped" / "metrics.csv").read_text()
    assert found == (whole if logged else "loss,step\n0.3,3\n")
