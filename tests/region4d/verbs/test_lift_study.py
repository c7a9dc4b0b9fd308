"""`region4d lift-study`: its configurations compose, it measures and continues, and refuses wrong keys."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from region4d.config import CONFIGS, compose_config
from region4d.studies.lift import LiftPlan
from scenes.storage import shards

Run = Callable[..., tuple[int, str, str]]
STUDIES = sorted(path.stem for path in (CONFIGS / "study" / "lift").glob("*.yaml"))
SMALL = [
    "study.world.height=32",
    "study.world.width=32",
    "study.world.objects=[2,3]",
    "study.world.families=[tower]",
    "study.library.seeds._args_=[8,12]",
    "study.tests.held_out_parameters.store.seeds._args_=[0,4]",
    "study.tests.held_out_parameters.limit=2",
    "study.tests.held_out_parameters.icp_items=1",
    "~study.tests.held_out_families",
    "study.baselines=[hull,nearest]",
    "study.sheet={methods: [hull], objects: 1}",
    "workers=1",
]


@pytest.fixture
def words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Overrides of a study of two small objects."""
    monkeypatch.setattr(shards, "SHARD", 4)
    folders = {"stores": "worlds", "truths": "truths", "output": "study"}
    return [*SMALL, *(f"{key}={tmp_path / name}" for key, name in folders.items())]


@pytest.mark.parametrize("study", STUDIES)
def test_every_study_composes_and_plans_its_methods(study: str) -> None:
    plan = LiftPlan.of(compose_config("lift_study", [f"study=lift/{study}"]))
    assert len({test.store.key for test in plan.tests}) == 2
    assert set(plan.config.study.baselines) <= set(plan.names)
    assert not set(plan.library_store.seeds) & {seed for test in plan.tests for seed in test.store.seeds}


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("study.baselinse=[box]", "study.baselinse"),
        ("study.baselines=[boxes]", "boxes"),
        ("+study.arms.flow={model: x, stepz: 3}", "stepz"),
        ("+study.arms.flow={model: x, points: some}", "points='some'"),
        ("study.main=flow", "flow"),
        ("study=nothing", "nothing"),
    ],
)
def test_a_wrong_key_is_one_clear_line(word: str, said: str, region4d: Run) -> None:
    code, _, err = region4d("lift-study", word)
    assert code == 2
    assert len(err.strip().splitlines()) == 1
    assert said in err


def test_a_report_of_nothing_is_refused(words: list[str], region4d: Run) -> None:
    code, _, err = region4d("lift-study", *words, "report_only=true")
    assert code == 2
    assert "nothing of study baselines is measured" in err


def test_a_study_of_two_objects_is_measured_reported_and_continued(
    words: list[str], untrained: Path, region4d: Run, tmp_path: Path
) -> None:
    words = [
        *words,
        f"+study.arms.flow={{model: {untrained}, candidates: 2, sampling: {{steps: 1}}}}",
        "+study.arms.later={model: missing}",
        "+study.effects.flow=[flow,hull]",
        "study.main=flow",
        "study.speed={arms: [flow], objects: 2, repeats: 1}",
    ]
    code, _, err = region4d("lift-study", *words)
    assert code == 1, err  # one arm's checkpoint is not there
    report = (tmp_path / "study" / "report.md").read_text()
    assert "Unfinished: later" in report
    assert "| hull |" in report
    assert "lift-study" in report
    assert (tmp_path / "study" / "held_out_parameters.png").is_file()
    records = tmp_path / "study" / "records" / "held_out_parameters"
    written = {path.name: path.stat().st_mtime_ns for path in records.iterdir()}
    assert {"flow.jsonl", "nearest.jsonl", "grid_32.jsonl"} <= set(written)
    assert region4d("lift-study", *words)[0] == 1
    assert {path.name: path.stat().st_mtime_ns for path in records.iterdir()} == written
