import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import pytest

from benchmarks.probing.sites import ProbeSite
from benchmarks.records.archive import write_archive
from benchmarks.records.manifest import Manifest
from probes.training.module import ERRORS, read_errors
from region4d.configuration.compose import CONFIGS, compose_config
from region4d.studies.plan import chosen_jobs
from region4d.studies.probe.gather import live_cells
from region4d.studies.probe.jobs import ProbeJob
from region4d.studies.probe.plan import ProbePlan

MANIFEST = Manifest({}, "abc", "a machine", {}, "", "2026-01-01")
STUDIES = sorted(path.stem for path in (CONFIGS / "study" / "probe").glob("*.yaml"))


def plan(tmp_path: Path, *overrides: str, study: str = "quick") -> ProbePlan:
    folders = [f"runs={tmp_path / 'runs'}", f"features={tmp_path / 'features'}"]
    return ProbePlan(compose_config("probe", [f"study=probe/{study}", *folders, *overrides]))


def finish(jobs: list[ProbeJob], best: str) -> None:
    """Write errors as if every cell had been trained; the cell named `best` has the least."""
    for cell in (cell for job in jobs for cell in job.cells):
        cell.folder.mkdir(parents=True)
        error = {"point_error": 0.1 if cell.site.name == best else 0.2}
        held = {
            "errors": {"val": {"a": error}, "test": {"b": error}},
            "features": {"blocks": 6},
            "manifest": asdict(MANIFEST),
        }
        (cell.folder / ERRORS).write_text(json.dumps(held))


def test_an_archived_study_is_gathered_as_the_live_one_is(tmp_path: Path) -> None:
    quick = plan(tmp_path)
    finish(quick.grid, "video_flow, layer 3, sigma 0.3")
    live = quick.gather("region4d study probe/quick")
    write_archive(tmp_path / "kept", *live_cells(quick.grid))
    kept = plan(tmp_path, f"runs={tmp_path / 'kept'}")
    assert all(job.finished for job in kept.grid)
    archived = kept.gather("region4d study probe/quick")
    assert archived == live
    assert archived.chosen["video_flow"] == ProbeSite("video_flow", 3, 0.3)
    assert len(archived.missing) == len([cell for job in quick.controls(quick.chosen()) for cell in job.cells])


@pytest.mark.parametrize("study", STUDIES)
def test_every_study_plans_its_grid(study: str, tmp_path: Path) -> None:
    jobs = plan(tmp_path, study=study).grid
    cells = {(cell.site.name, cell.seed) for job in jobs for cell in job.cells}
    assert len(cells) == sum(len(job.cells) for job in jobs)
    assert len({job.name for job in jobs}) == len(jobs)


def test_controls_follow_at_the_cell_that_validation_chose(tmp_path: Path) -> None:
    quick = plan(tmp_path)
    assert quick.jobs() == quick.grid
    finish(quick.grid, "video_flow, layer 3, sigma 0.3")
    chosen = quick.chosen()
    assert (chosen["video_flow"].site.layer, chosen["video_flow"].site.sigma) == (3, 0.3)
    told = next(job for job in quick.controls(chosen) if job.cells[0].site.control == "told_clean")
    extraction = told.steps[0].config.data.extraction
    assert (list(extraction.layers), extraction.sigma, extraction.conditioning_sigma) == ([3], 0.3, 0.0)
    assert quick.jobs() == [*quick.grid, *quick.controls(chosen)]


@pytest.mark.long
def test_a_control_of_the_training_reads_the_features_of_the_grid(tmp_path: Path) -> None:
    gpu = plan(tmp_path, study="gpu")
    finish(gpu.grid, "")
    shuffled = next(job for job in gpu.controls(gpu.chosen()) if job.cells[0].site.control == "labels_shuffled")
    plain = next(job for job in gpu.grid if job.name == "wan_14b-sigma0.1-seed0")
    assert shuffled.steps[0] == plain.steps[0]
    assert shuffled.steps[1].config.data.shuffled_labels


def test_seeds_that_the_grid_did_without_follow_at_the_chosen_cells(tmp_path: Path) -> None:
    standard = plan(tmp_path, study="standard")
    assert {cell.seed for job in standard.grid for cell in job.cells} == {0}
    finish(standard.grid, "video_mae, layer 5")
    controls = standard.controls(standard.chosen())
    more = [
        cell for job in controls for cell in job.cells if cell.site.model == "video_mae" and cell.site.control is None
    ]
    assert [(cell.site.layer, cell.seed) for cell in more] == [(5, 1), (5, 2)]
    random = next(job for job in controls if job.cells[0].site.control == "random")
    assert [cell.seed for cell in random.cells] == [0, 1, 2]


def test_controls_wait_for_the_grid(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="the grid is not finished"):
        plan(tmp_path, "stage=controls").jobs()


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("run=video_mea-seed0", "has no run video_mea-seed0: there are"),
        ("study.capacity_models=[resnet]", "names resnet: its models are"),
        ("features=s3://bucket", "features=s3://bucket is an address"),
        ("stage=all", "stage=all is unknown"),
    ],
)
def test_a_wrong_choice_is_one_line(tmp_path: Path, override: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        chosen_jobs(plan(tmp_path, override))


def small_study(folder: Path, shared: Path) -> list[str]:
    """Name a study of raw pixels alone, with another capacity of the probe."""
    seeds = ["clips.seeds.train=[0,16]", "clips.seeds.val=[16,20]", "clips.seeds.test=[20,26]"]
    options = [*seeds, f"clips.stores={shared}", f"data.labels={shared}"]
    train = ["trainer.max_steps=8", "trainer.callbacks.0.every_n_train_steps=2", *options]
    gone = [f"~study.models.{name}" for name in ("image_mae", "video_mae", "video_flow")]
    gone += [f"~study.controls.{name}" for name in compose_config("probe", []).study.controls]
    lists = [f"study.overrides={train}"]
    places = [f"{name}={folder / name}" for name in ("runs", "features", "output")]
    return ["probe", "study=quick", *gone, "study.contrasts=[]", "study.capacity_models=[pixels]", *lists, *places]


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
    assert len(errors_of(killed)) == 2  # the grid, and a probe of another capacity
    assert "Capacity of the probe" in (killed / "output" / "report.md").read_text()
