"""Studies of lifting: their configurations compose, they measure and continue, and refuse wrong keys."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from region4d.configuration.compose import CONFIGS, compose_config
from region4d.studies import plan as machine
from region4d.studies.job import Job
from region4d.studies.lift.methods import LiftMethods
from region4d.studies.plan import chosen_jobs, load_plan
from scenes.arrangements import store as store_module
from scenes.storage import shards
from tests.support.meshes import open_box, write_meshes
from tests.support.programs.command_line import Run

STUDIES = sorted({path.stem for path in (CONFIGS / "study" / "lift").glob("*.yaml")} - {"meshes"})
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
FOLDERS = {"stores": "worlds", "truths": "truths", "output": "study"}


def run_here(jobs: Sequence[Job], workers: int) -> list[str]:
    """Run jobs in this process, where shards are small."""
    for job in jobs:
        for step in job.steps:
            if not step.finished:
                step.run()
    return []


@pytest.fixture
def words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Overrides of a study of two small objects."""
    monkeypatch.setattr(shards, "SHARD", 4)
    monkeypatch.setattr(machine, "run_all", run_here)
    return [*SMALL, *(f"{key}={tmp_path / name}" for key, name in FOLDERS.items())]


@pytest.mark.parametrize("study", STUDIES)
def test_every_study_composes_and_plans_its_methods(study: str) -> None:
    plan = LiftMethods.of(compose_config("lift", [f"study=lift/{study}"]))
    assert len({test.store.key for test in plan.tests}) == 2
    assert set(plan.config.study.baselines) <= set(plan.names)
    assert not set(plan.library_store.seeds) & {seed for test in plan.tests for seed in test.store.seeds}


def test_the_study_of_meshes_plans_three_sets_of_the_same_objects(tmp_path: Path) -> None:
    folder = write_meshes(tmp_path / "things")
    plan = LiftMethods.of(compose_config("lift", ["study=lift/meshes", f"study.folder={folder}", "study.pictures=6"]))
    assert [test.name for test in plan.tests] == ["floor", "table", "camera"]
    assert len({test.store.key for test in plan.tests}) == 3
    assert all(len(test.indices) == 6 for test in plan.tests)
    assert plan.unavailable == {}


def test_the_study_of_meshes_needs_a_folder(region4d: Run) -> None:
    code, _, err = region4d("study", "lift/meshes")
    assert code == 2
    assert err.strip().splitlines() == ["region4d: study.folder has no value; give one, as study.folder=..."]


@pytest.mark.long
def test_meshes_are_measured_with_their_object_as_cluster(
    words: list[str], region4d: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "SHARD", 2)
    folder = write_meshes(tmp_path / "things")
    open_box().export(folder / "an_open_box.ply")
    words = [
        *words[:5],
        f"study.folder={folder}",
        "study.pictures=2",
        "study.tests.table=null",
        "study.tests.camera=null",
    ]
    words += ["study.tests.floor.store.config.height=32", "study.tests.floor.store.config.width=32"]
    words += [f"study.tests.floor.store.root._args_=[{tmp_path}]", "run=hull-floor", "workers=1"]
    words += [f"{key}={tmp_path / name}" for key, name in FOLDERS.items()]
    code, _, err = region4d("study", "lift/meshes", *words)
    assert code == 0, err
    lines = (tmp_path / "study" / "records" / "floor" / "hull" / "records.jsonl").read_text().splitlines()
    open_one, ball = (json.loads(line) for line in lines)
    assert (open_one["cluster"], ball["cluster"]) == ("floor/an_open_box", "floor/ball")
    assert "solid_iou" in ball["metrics"]
    assert "solid_iou" not in open_one["metrics"]
    assert "box_iou" in open_one["metrics"]


def test_the_models_of_the_quick_study_come_with_the_repository() -> None:
    assert LiftMethods.of(compose_config("lift", ["study=lift/quick"])).unavailable == {}


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("study.baselinse=[box]", "study.baselinse"),
        ("study.baselines=[boxes]", "boxes"),
        ("+study.arms.flow={model: x, stepz: 3}", "stepz"),
        ("+study.arms.flow={model: x, points: some}", "points='some'"),
        ("study.main=flow", "flow"),
    ],
)
def test_a_wrong_key_is_one_clear_line(word: str, said: str, region4d: Run) -> None:
    code, _, err = region4d("study", "lift/baselines", word)
    assert code == 2
    assert len(err.strip().splitlines()) == 1
    assert said in err


def test_a_report_of_nothing_is_refused(words: list[str], region4d: Run) -> None:
    code, _, err = region4d("study", "lift/baselines", *words, "report_only=true")
    assert code == 2
    assert "nothing of study baselines is measured" in err


@pytest.mark.long
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
    code, _, err = region4d("study", "lift/baselines", *words)
    assert code == 1, err  # one arm's checkpoint is not there
    report = (tmp_path / "study" / "report.md").read_text()
    assert "Unfinished: later" in report
    assert "| hull |" in report
    assert "region4d study lift/baselines" in report
    assert (tmp_path / "study" / "held_out_parameters.png").is_file()
    records = tmp_path / "study" / "records" / "held_out_parameters"
    written = {path.parent.name: path.stat().st_mtime_ns for path in records.glob("*/records.jsonl")}
    assert {"flow", "nearest", "grid_32"} <= set(written)
    assert json.loads((tmp_path / "study" / "speed.json").read_text())[0]["arm"] == "flow"
    assert region4d("study", "lift/baselines", *words)[0] == 1
    assert {path.parent.name: path.stat().st_mtime_ns for path in records.glob("*/records.jsonl")} == written


def test_every_method_on_every_test_set_is_a_job_and_one_can_be_chosen(words: list[str], tmp_path: Path) -> None:
    names = [job.name for job in chosen_jobs(load_plan("lift", words))]
    assert names == [f"{method}-held_out_parameters" for method in ("grid_32", "hull", "nearest")]
    (job,) = chosen_jobs(load_plan("lift", [*words, "run=hull-held_out_parameters"]))
    assert not job.finished
    with pytest.raises(ValueError, match="no run box-held_out_parameters: there are grid_32-"):
        chosen_jobs(load_plan("lift", [*words, "run=box-held_out_parameters"]))


@pytest.mark.long
def test_one_job_measures_its_method_alone_and_writes_no_report(
    words: list[str], region4d: Run, tmp_path: Path
) -> None:
    code, _, err = region4d("study", "lift/baselines", *words, "run=hull-held_out_parameters")
    assert code == 0, err
    assert [path.parent.name for path in (tmp_path / "study" / "records").rglob("*.jsonl")] == ["hull"]
    assert not (tmp_path / "study" / "report.md").exists()


@pytest.mark.long
def test_the_jobs_of_a_study_go_through_a_launcher(words: list[str], region4d: Run, tmp_path: Path) -> None:
    words = [*words, "+study.arms.later={model: missing}"]
    code, out, err = region4d("study", "lift/baselines", *words, "-m", f"hydra.sweep.dir={tmp_path / 'sweep'}")
    assert code == 0, err
    assert "later: no lifting model in 'missing'" in out
    records = tmp_path / "study" / "records" / "held_out_parameters"
    assert {path.parent.name for path in records.glob("*/records.jsonl")} == {"grid_32", "hull", "nearest"}
    assert not (tmp_path / "study" / "report.md").exists()


@pytest.mark.slow
def test_the_methods_of_a_study_are_measured_in_processes_of_their_own(region4d: Run, tmp_path: Path) -> None:
    folders = [f"{key}={tmp_path / name}" for key, name in FOLDERS.items()]
    code, _, err = region4d("study", "lift/baselines", *SMALL, *folders)
    assert code == 0, err
    assert "| hull |" in (tmp_path / "study" / "report.md").read_text()
    log = tmp_path / "study" / "logs" / "nearest-held_out_parameters" / "log.txt"
    assert "nearest on held_out_parameters" in log.read_text()
