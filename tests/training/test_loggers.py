"""Metrics go to metrics.csv, and to the logger that is named."""

from __future__ import annotations

import csv
import sqlite3
from pathlib import Path

import pytest

from region4d.configuration.compose import build, compose_config
from tests.support.programs.command_line import Run, assert_one_line
from training import loggers

WORDS = ("experiment=sr3d/tiny_static", "arm=2d", "data.seeds=[0,4]", "data.batch_size=2", "trainer.max_steps=4")
WORDS += ("trainer.log_every_n_steps=1", "trainer.enable_progress_bar=false")


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("worlds")


def logged(output: Path) -> list[dict[str, str]]:
    with (output / "metrics.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_by_default_metrics_go_to_a_file_alone() -> None:
    (logger,) = build(compose_config("train", [*WORDS]).trainer).loggers
    assert type(logger).__name__ == "CSVLogger"


@pytest.mark.parametrize("name", ["tensorboard", "wandb", "trackio"])
def test_a_logger_that_is_not_installed_is_named(
    name: str, monkeypatch: pytest.MonkeyPatch, region4d: Run, tmp_path: Path
) -> None:
    monkeypatch.setattr(loggers, "find_spec", lambda package: None)
    result = region4d("train", *WORDS, f"logger={name}", f"output={tmp_path / 'run'}")
    assert_one_line(result, f"logger={name} needs {name}: pip install 'region4d[{name}]'")
    assert not (tmp_path / "run").exists()


def test_an_unknown_logger_is_refused(region4d: Run) -> None:
    assert_one_line(region4d("train", *WORDS, "logger=neptune"), "csv", "tensorboard", "trackio", "wandb")


def test_event_files_have_the_metrics_of_the_csv(region4d: Run, tmp_path: Path, stores: Path) -> None:
    pytest.importorskip("tensorboard", reason="needs the extra tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    output = tmp_path / "run"
    code, _, err = region4d("train", *WORDS, "logger=tensorboard", f"data.stores={stores}", f"output={output}")
    assert code == 0, err
    events = EventAccumulator(str(output))
    events.Reload()
    losses = [float(row["loss"]) for row in logged(output) if row.get("loss")]
    assert len(losses) == 4
    assert [event.value for event in events.Scalars("loss")] == pytest.approx(losses, rel=1e-6)


def test_a_run_of_wandb_is_kept_offline(region4d: Run, tmp_path: Path, stores: Path) -> None:
    pytest.importorskip("wandb", reason="needs the extra wandb")
    output = tmp_path / "run"
    offline = "trainer.logger.other.offline=true"
    code, _, err = region4d("train", *WORDS, "logger=wandb", offline, f"data.stores={stores}", f"output={output}")
    assert code == 0, err
    assert list(output.glob("wandb/offline-run-*/*.wandb"))
    assert len(logged(output)) == 4


def test_trackio_has_the_metrics_of_the_csv(
    region4d: Run, tmp_path: Path, stores: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path / "trackio"))  # read once, when it is imported
    pytest.importorskip("trackio", reason="needs the extra trackio")
    output = tmp_path / "run"
    code, _, err = region4d("train", *WORDS, "logger=trackio", f"data.stores={stores}", f"output={output}")
    assert code == 0, err
    (database,) = (tmp_path / "trackio").glob("region4d*.db")
    with sqlite3.connect(database) as connection:
        (count,) = connection.execute("select count(*) from metrics where run_name = ?", (str(output),)).fetchone()
    assert count == 4
    assert len(logged(output)) == 4
