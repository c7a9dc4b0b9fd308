"""A sweep sends every job that can start to Hydra as one choice of `run`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from omegaconf import OmegaConf

from region4d.studies import sweep as sweeps
from region4d.studies.job import Job
from region4d.studies.sweep import run_of_sweep, sweep

Words = list[list[str]]


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> Words:
    """The command lines that Hydra is started with."""
    lines: Words = []

    def main(config_name: str, **_: object) -> Callable[[object], Callable[[], None]]:
        return lambda task: lambda: lines.append([config_name, *sys.argv[1:]])

    monkeypatch.setattr(sys, "argv", ["region4d", "as", "typed"])
    monkeypatch.setattr(sweeps.hydra, "main", main)
    return lines


def planned(monkeypatch: pytest.MonkeyPatch, run: str | None = None, **finished: bool) -> None:
    """Plan jobs by name, and say which of them are finished."""
    jobs = [Job(name, Path(), (SimpleNamespace(finished=done),)) for name, done in finished.items()]  # type: ignore[arg-type]
    config = OmegaConf.create({"run": run, "study": {"name": "quick"}})
    plan = SimpleNamespace(config=config, jobs=lambda: jobs, unavailable=lambda: ["wan needs a GPU"])
    monkeypatch.setattr(sweeps, "load_plan", lambda kind, overrides: plan)


def test_each_unfinished_job_is_a_choice_of_run(
    monkeypatch: pytest.MonkeyPatch, launched: Words, capsys: pytest.CaptureFixture[str]
) -> None:
    planned(monkeypatch, a=False, b=True, c=False)
    sweep("probe", ["--multirun"], ["study=probe/quick", "workers=1"])
    assert launched == [["probe", "--multirun", "study=probe/quick", "workers=1", "run=a,c"]]
    assert "wan needs a GPU" in capsys.readouterr().out


def test_a_job_that_is_chosen_already_is_not_chosen_again(monkeypatch: pytest.MonkeyPatch, launched: Words) -> None:
    planned(monkeypatch, run="a", a=False, c=False)
    sweep("lift", ["-m"], ["run=a"])
    assert launched == [["lift", "-m", "run=a"]]


def test_where_all_is_finished_nothing_starts(
    monkeypatch: pytest.MonkeyPatch, launched: Words, capsys: pytest.CaptureFixture[str]
) -> None:
    planned(monkeypatch, a=True, b=True)
    sweep("compare", ["-m"], [])
    assert launched == []
    assert "every run that can start is finished" in capsys.readouterr().out


def test_a_job_of_a_sweep_that_fails_says_so_to_the_launcher(monkeypatch: pytest.MonkeyPatch) -> None:
    context = SimpleNamespace(
        job=SimpleNamespace(config_name="probe"), overrides=SimpleNamespace(task=["study=probe/quick", "run=a"])
    )
    asked: list[tuple[str, list[str]]] = []
    monkeypatch.setattr(sweeps.HydraConfig, "get", lambda: context)
    monkeypatch.setattr(sweeps, "load_plan", lambda kind, words: asked.append((kind, words)))
    monkeypatch.setattr(sweeps, "run_plan", lambda plan: ["extracting failed", "probing failed"])
    with pytest.raises(RuntimeError, match="extracting failed; probing failed"):
        run_of_sweep(OmegaConf.create({}))
    assert asked == [("probe", ["study=probe/quick", "run=a"])]
