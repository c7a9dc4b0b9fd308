"""The machine of all studies: jobs run until no new ones follow, and each is tried once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

from region4d.studies import plan as plans
from region4d.studies.job import Job
from region4d.studies.plan import Plan, chosen_jobs, run_plan


@dataclass(frozen=True)
class Made:
    """A step that is finished once its file exists."""

    file: Path

    @property
    def finished(self) -> bool:
        return self.file.exists()


class Waves(Plan[Job, list[str]]):
    """Two jobs, and a third that follows once both are finished. `broken` ones never finish."""

    def __init__(self, folder: Path, run: str | None = None, broken: Sequence[str] = ()) -> None:
        super().__init__(OmegaConf.create({"run": run, "workers": 2, "runs": str(folder), "study": {"name": "waves"}}))
        self.folder, self.broken = folder, broken
        self.ran: list[list[str]] = []
        self.prepared: list[list[str]] = []

    def job(self, name: str) -> Job:
        return Job(name, self.folder, (Made(self.folder / name),))  # type: ignore[arg-type]

    def jobs(self) -> list[Job]:
        first = [self.job("a"), self.job("b")]
        return [*first, self.job("c")] if all(job.finished for job in first) else first

    def prepare(self, jobs: Sequence[Job]) -> None:
        self.prepared.append([job.name for job in jobs])

    def gather(self, command: str) -> list[str]:
        return []

    def report(self, study: list[str]) -> None:
        raise AssertionError("nothing is reported")

    def unavailable(self) -> list[str]:
        return ["d needs a GPU"]

    def run_all(self, waiting: Sequence[Job], workers: int) -> list[str]:
        """Stand in for the runner, which starts processes."""
        assert workers == 2
        self.ran.append([job.name for job in waiting])
        for job in waiting:
            if job.name not in self.broken:
                (self.folder / job.name).touch()
        return [f"{job.name} failed" for job in waiting if job.name in self.broken]


def run(monkeypatch: pytest.MonkeyPatch, plan: Waves) -> list[str]:
    monkeypatch.setattr(plans, "run_all", plan.run_all)
    return run_plan(plan)


def test_what_follows_runs_once_its_condition_is_met(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    plan = Waves(tmp_path)
    assert run(monkeypatch, plan) == ["d needs a GPU"]
    assert plan.ran == plan.prepared == [["a", "b"], ["c"]]


def test_a_job_that_fails_is_tried_once_and_what_follows_it_is_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    plan = Waves(tmp_path, broken=["b"])
    assert run(monkeypatch, plan) == ["d needs a GPU", "b failed"]
    assert plan.ran == [["a", "b"]]


def test_what_is_finished_does_not_run_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    plan = Waves(tmp_path)
    run(monkeypatch, plan)
    assert plan.ran == [["b"], ["c"]]


def test_one_job_that_is_chosen_runs_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    plan = Waves(tmp_path, run="b")
    assert run(monkeypatch, plan) == []  # what others need is not its concern
    assert plan.ran == [["b"]]


def test_a_job_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="study waves has no run c: there are a, b"):
        chosen_jobs(Waves(tmp_path, run="c"))


def test_a_kind_without_a_viewer_says_which_word_to_leave_out(tmp_path: Path) -> None:
    plan: Plan[Any, Any] = Waves(tmp_path)
    with pytest.raises(ValueError, match="study waves has nothing to show in a browser; leave view=8080 out"):
        plan.view(8080)


def test_a_folder_without_an_archive_has_no_archived_runs(tmp_path: Path) -> None:
    assert Waves(tmp_path).archived == frozenset()
