"""Steps of jobs: each in a process of its own, once, with what it printed in the log of its job."""

import os
import pickle
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from region4d.studies.job import Job, Step, VerbStep
from region4d.studies.plan import load_plan
from region4d.studies.runner import run_all
from tests.support.steps import Formatting

ROOT = Path(__file__).parents[3]


def jobs(folder: Path, *texts: str) -> list[Job]:
    """Jobs that format a JSON file, and format the result again."""
    planned = []
    for k, text in enumerate(texts):
        home = folder / f"job{k}"
        home.mkdir()
        first, second, third = (home / name for name in ("in.json", "once.json", "twice.json"))
        first.write_text(text)
        planned.append(Job(f"job{k}", home, (Formatting(first, second), Formatting(second, third))))
    return planned


@pytest.mark.long
def test_the_steps_of_a_job_follow_each_other_and_jobs_run_side_by_side(tmp_path: Path) -> None:
    planned = jobs(tmp_path, '{"a": 1}', "[1, 2]")
    assert run_all(planned, workers=2) == []
    assert [(job.folder / "twice.json").read_text().strip() for job in planned] == ['{"a":1}', "[1,2]"]
    assert all(job.finished for job in planned)


@pytest.mark.long
def test_a_step_that_fails_ends_its_job_alone_and_names_its_log(tmp_path: Path) -> None:
    planned = jobs(tmp_path, "no json", "[1]")
    (failure,) = run_all(planned, workers=1)
    assert "job0: formatting failed" in failure
    assert str(planned[0].folder / "log.txt") in failure
    assert "Expecting value" in (planned[0].folder / "log.txt").read_text()
    assert not (planned[0].folder / "twice.json").exists()
    assert planned[1].finished


def test_what_is_done_is_not_done_again(tmp_path: Path) -> None:
    (job,) = jobs(tmp_path, "no json")
    (job.folder / "once.json").write_text("[3]")
    assert run_all([job], workers=1) == []
    assert (job.folder / "twice.json").read_text().strip() == "[3]"


def test_steps_leave_the_process_that_runs_them_alone(tmp_path: Path) -> None:
    before = (dict(os.environ), os.getcwd())
    run_all(jobs(tmp_path, "[1]"), workers=1)
    assert (dict(os.environ), os.getcwd()) == before


@pytest.mark.long
def test_a_step_ends_with_the_process_that_runs_it(tmp_path: Path) -> None:
    beat = tmp_path / "beat"
    program = (
        "from pathlib import Path\n"
        "from region4d.studies.job import Job\n"
        "from region4d.studies.runner import run_all\n"
        "from tests.support.steps import Beating\n"
        f"run_all([Job('job', Path({str(tmp_path)!r}), (Beating(Path({str(beat)!r})),))], 1)\n"
    )
    runner = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT)
    wait_until(beat.exists)
    runner.kill()
    runner.wait()
    wait_until(lambda: time.time() - beat.stat().st_mtime > 2)


def wait_until(done: Callable[[], bool], seconds: float = 240) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end
        time.sleep(0.1)


def test_a_step_takes_its_configuration_along() -> None:
    step = VerbStep("training", "train", ("experiment=sr3d/tiny_static", "trainer.max_steps=7"), Path("never"))
    assert step.length == 7
    sent = pickle.loads(pickle.dumps(step))
    assert sent.__dict__["config"] == step.config
    assert step.metrics == Path("outputs/train/sr3d/tiny_static/3d-seed0/metrics.csv")


@pytest.mark.long
def test_what_is_imported_before_the_fork_does_not_ask_for_a_graphics_card() -> None:
    steps: list[Step] = [VerbStep("extracting", "extract", ("extractor=wan_1_3b",), Path("never"))]
    for study in ("compare/static", "probe/quick", "lift/baselines"):
        steps += load_plan(study.partition("/")[0], [f"study={study}"]).jobs()[0].steps
    modules = sorted(set().union(*(step.modules() for step in steps)))
    program = (
        "import torch\n"
        "def refuse(*_): raise AssertionError('asked')\n"
        "torch._C._cuda_getDeviceCount = torch._C._cuda_init = refuse\n"
        f"for name in {modules!r}:\n"
        "    try: __import__(name)\n"
        "    except ImportError: pass\n"  # of classes and optional packages, as the server does
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT)
