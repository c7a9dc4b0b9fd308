"""A small study from beginning to end, as its users run it: killed, resumed, and by a Hydra launcher."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.records.record import Record, read_records

STUDY = ("study=quick", "arms=[4d,3d]")
ARMS = ("4d", "3d")


def words(folder: Path, shared: Path, steps: int) -> list[str]:
    train = [f"trainer.max_steps={steps}", "trainer.callbacks.0.every_n_train_steps=2", "data.seeds=[0,128]"]
    train += ["data.batch_size=4", f"data.stores={shared}", f"data.targets={shared}/targets"]
    bench = ["limit=40", "task.seeds=[1000000,1000008]", "task.digest=null", f"task.stores={shared}"]
    study = [f"study.overrides={train}", f"study.bench_overrides={bench}"]
    return ["compare", *STUDY, *study, f"runs={folder}/runs", f"output={folder}/report"]


def start(arguments: list[str]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "region4d", *arguments]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)


def answers(folder: Path) -> list[list[Record]]:
    return [read_records(folder / "runs" / f"{arm}-seed0" / "records" / "worlds4d") for arm in ARMS]


@pytest.mark.slow
def test_a_study_that_is_killed_resumes_to_the_same_answers(tmp_path: Path) -> None:
    steps, shared = 12, tmp_path / "shared"
    assert start(words(tmp_path / "whole", shared, steps)).wait() == 0
    killed = tmp_path / "killed"
    checkpoint = killed / "runs" / "4d-seed0" / "checkpoints" / "last.ckpt"
    process = start(words(killed, shared, steps))
    while not checkpoint.exists():
        assert process.poll() is None
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait() != 0
    assert not (killed / "runs" / "4d-seed0" / "model").exists()
    assert start(words(killed, shared, steps)).wait() == 0
    assert answers(killed) == answers(tmp_path / "whole")
    assert (killed / "report" / "report.html").is_file()


@pytest.mark.slow
def test_the_runs_of_a_study_go_through_a_launcher_and_the_report_follows(tmp_path: Path) -> None:
    small = words(tmp_path, tmp_path / "shared", 2)
    sweep = [*small, "-m", "hydra/launcher=submitit_local", f"hydra.sweep.dir={tmp_path}/sweep"]
    assert start(sweep).wait() == 0
    assert not (tmp_path / "report").exists()
    assert start([*small, "report_only=true"]).wait() == 0
    assert "4d - 3d" in (tmp_path / "report" / "report.md").read_text()
