"""A trial that crashes, hangs or fails ends in its own process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from region4d.doctor.running import Outcome, run_trial
from tests.conftest import REPOSITORY

TRIALS = """
import json, os, signal, sys, time
match sys.argv[1]:
    case "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    case "hang":
        time.sleep(600)
    case "raise":
        raise ImportError("libnothing.so.5: cannot open shared object file")
    case "fine":
        print("a library says hello")
        print(json.dumps({"detail": "it works", "threads": 3}))
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "trials_of_a_test.py").write_text(TRIALS)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return "trials_of_a_test"


def test_what_a_trial_found_is_its_last_line(module: str) -> None:
    assert run_trial("fine", 60, module) == Outcome(True, "it works", {"threads": 3})


@pytest.mark.parametrize(
    ("name", "limit", "detail"),
    [
        ("crash", 60, "crashed with SIGSEGV"),
        ("hang", 0.5, "did not end within 0.5 s"),
        ("raise", 60, "ImportError: libnothing.so.5: cannot open shared object file"),
    ],
)
def test_a_trial_that_fails_is_described_in_one_line(module: str, name: str, limit: float, detail: str) -> None:
    assert run_trial(name, limit, module) == Outcome(False, detail)


def test_a_clip_is_encoded_and_decoded() -> None:
    outcome = run_trial("video", 120)
    assert outcome.works, outcome.detail


def test_the_doctor_imports_nothing_that_may_crash() -> None:
    program = """
import sys
import region4d.verbs.doctor, region4d.doctor.report, region4d.doctor.machine, region4d.doctor.running
import region4d.doctor.trials
print(sorted({"torch", "transformers", "open3d", "pycolmap", "bitsandbytes", "av"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
