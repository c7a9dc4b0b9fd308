import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from omegaconf import DictConfig

from probes.training.module import ERRORS, read_errors
from region4d.config import CONFIGS, compose_config
from region4d.studies.probe import ProbeJob, choose, plan_controls, plan_grid
from region4d.verbs.probe import plan

STUDIES = sorted(path.stem for path in (CONFIGS / "study" / "probe").glob("*.yaml"))


def config(tmp_path: Path, *overrides: str, study: str = "quick") -> DictConfig:
    return compose_config(
        "probe", [f"study=probe/{study}", f"runs={tmp_path / 'runs'}", f"features={tmp_path / 'features'}", *overrides]
    )


def finish(jobs: list[ProbeJob], best: str) -> None:
    """Write errors as if every cell had been trained; the cell named `best` has the least."""
    for cell in (cell for job in jobs for cell in job.cells):
        cell.folder.mkdir(parents=True)
        error = {"point_error": 0.1 if cell.name == best else 0.2}
        (cell.folder / ERRORS).write_text(json.dumps({"errors": {"val": {"a": error}, "test": {"b": error}}}))


@pytest.mark.parametrize("study", STUDIES)
def test_every_study_plans_its_grid(study: str, tmp_path: Path) -> None:
    found = config(tmp_path, study=study)
    jobs = plan_grid(found)
    cells = {(cell.name, cell.seed) for job in jobs for cell in job.cells}
    assert len(cells) == sum(len(job.cells) for job in jobs)
    assert len({job.name for job in jobs}) == len(jobs)


def test_controls_stand_at_the_cell_that_validation_chose(tmp_path: Path) -> None:
    found = config(tmp_path)
    grid = plan_grid(found)
    finish(grid, "video_flow, layer 3, sigma 0.3")
    chosen = choose(grid, "point_error")
    assert (chosen["video_flow"].layer, chosen["video_flow"].sigma) == (3, 0.3)
    told = next(job for job in plan_controls(found, chosen) if job.cells[0].control == "told_clean")
    command = told.steps[0].command
    assert {"data.extraction.layers=[3]", "data.extraction.sigma=0.3", "data.extraction.conditioning_sigma=0.0"} <= set(
        command
    )
    assert len(plan(found)) > len(grid)


def test_a_control_of_the_training_reads_the_features_of_the_grid(tmp_path: Path) -> None:
    found = config(tmp_path, study="gpu")
    grid = plan_grid(found)
    finish(grid, "")
    controls = plan_controls(found, choose(grid, "point_error"))
    shuffled = next(job for job in controls if job.cells[0].control == "labels_shuffled")
    plain = next(job for job in grid if job.name == "wan_14b-sigma0.1-seed0")
    assert shuffled.steps[0].done == plain.steps[0].done
    assert shuffled.steps[0].command == plain.steps[0].command
    assert "data.shuffled_labels=true" in shuffled.steps[1].command


def test_seeds_that_the_grid_did_without_follow_at_the_chosen_cells(tmp_path: Path) -> None:
    found = config(tmp_path, study="standard")
    grid = plan_grid(found)
    assert {cell.seed for job in grid for cell in job.cells} == {0}
    finish(grid, "video_mae, layer 5")
    controls = plan_controls(found, choose(grid, "point_error"))
    more = [cell for job in controls for cell in job.cells if cell.model == "video_mae" and cell.control is None]
    assert [(cell.layer, cell.seed) for cell in more] == [(5, 1), (5, 2)]
    random = next(job for job in controls if job.cells[0].control == "random")
    assert [cell.seed for cell in random.cells] == [0, 1, 2]


def test_controls_wait_for_the_grid(tmp_path: Path) -> None:
    found = config(tmp_path)
    assert plan(found) == plan_grid(found)
    with pytest.raises(FileNotFoundError, match="the grid is not finished"):
        plan(config(tmp_path, "stage=controls"))


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("run=video_mea-seed0", "has no job video_mea-seed0: there are"),
        ("study.ladder_of=[resnet]", "names resnet: its models are"),
    ],
)
def test_a_name_that_the_study_lacks_is_one_line(tmp_path: Path, override: str, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        plan(config(tmp_path, override))


def small_study(folder: Path, shared: Path) -> list[str]:
    """Name a study of raw pixels alone, with the capacity ladder."""
    seeds = ["clips.seeds.train=[0,16]", "clips.seeds.val=[16,20]", "clips.seeds.test=[20,26]"]
    options = [*seeds, f"clips.stores={shared}", f"data.labels={shared}"]
    train = ["trainer.max_steps=8", "trainer.callbacks.0.every_n_train_steps=2", *options]
    gone = [f"~study.models.{name}" for name in ("image_mae", "video_mae", "video_flow")]
    gone += [f"~study.controls.{name}" for name in compose_config("probe", []).study.controls]
    lists = [f"study.overrides={train}"]
    places = [f"{name}={folder / name}" for name in ("runs", "features", "output")]
    return ["probe", "study=quick", *gone, "study.contrasts=[]", "study.ladder_of=[pixels]", *lists, *places]


def start(arguments: list[str]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "region4d", *arguments]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)


def errors_of(folder: Path) -> dict[str, object]:
    files = sorted((folder / "runs").rglob(ERRORS))
    return {str(path.relative_to(folder)): read_errors(path)["errors"] for path in files}


@pytest.mark.slow
def test_a_probe_study_that_is_killed_resumes_to_the_same_errors(tmp_path: Path) -> None:
    shared = tmp_path / "worlds"
    assert start(small_study(tmp_path / "whole", shared)).wait() == 0
    killed = tmp_path / "killed"
    checkpoint = killed / "runs" / "pixels-seed0" / "checkpoints" / "last.ckpt"
    process = start(small_study(killed, shared))
    while not checkpoint.exists():
        assert process.poll() is None
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait() != 0
    assert start(small_study(killed, shared)).wait() == 0
    assert errors_of(killed) == errors_of(tmp_path / "whole")
    assert len(errors_of(killed)) == 2  # the grid, and a step of the ladder
    assert "Capacity of the probe" in (killed / "output" / "report.md").read_text()
