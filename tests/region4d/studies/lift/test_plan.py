"""Studies of lifting: their configurations compose, they measure and continue, and refuse wrong keys."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest

from region4d.configuration.compose import CONFIGS, compose_config
from region4d.studies import plan as machine
from region4d.studies.job import Job
from region4d.studies.lift.methods import LiftMethods
from region4d.studies.plan import chosen_jobs, load_plan
from scenes.arrangements import store as store_module
from scenes.datasets.aria import sequences
from scenes.storage import shards
from tests.support.meshes import open_box, write_meshes
from tests.support.photographs import aria_picture, write_aria, write_large_photo, write_photo
from tests.support.programs.command_line import Run

STUDIES = sorted({path.stem for path in (CONFIGS / "study" / "lift").glob("*.yaml")} - {"meshes", "sa3dao", "aria"})
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
    assert len({test.store.key for test in plan.tests}) == {"steps": 1}.get(study, 2)
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


@pytest.mark.parametrize(
    ("study", "said"),
    [
        ("sa3dao", "has no objects: give each a folder with image, mask and mesh files, or list them in objects.csv"),
        ("aria", "has instances.json: give a sequence of Aria Digital Twin, or several"),
    ],
)
def test_the_studies_of_published_sets_need_a_folder_of_theirs(
    study: str, said: str, region4d: Run, tmp_path: Path
) -> None:
    code, _, err = region4d("study", f"lift/{study}")
    assert code == 2
    assert err.strip().splitlines() == ["region4d: study.folder has no value; give one, as study.folder=..."]
    code, _, err = region4d("study", f"lift/{study}", f"study.folder={tmp_path}")
    assert code == 2
    (line,) = err.strip().splitlines()
    assert said in line
    assert str(tmp_path) in line


def test_the_study_of_aria_plans_the_objects_of_its_tables(tmp_path: Path) -> None:
    folder = write_aria(tmp_path / "seq")
    plan = LiftMethods.of(compose_config("lift", ["study=lift/aria", f"study.folder={folder}"]))
    (test,) = plan.tests
    assert (test.name, len(test.indices)) == ("aria", 1)
    assert plan.names == ["hull", "lift", "network", "visible_hull"]
    assert all(test.has_icp(index) for index in test.indices)


def aria_words(words: list[str], tmp_path: Path) -> list[str]:
    """Overrides of the hull on a sequence with one object."""
    folder = write_aria(tmp_path / "seq")
    root = f"study.tests.aria.store.root._args_=[{tmp_path}]"
    return [f"study.folder={folder}", root, *words[:5], *words[-len(FOLDERS) :], "workers=1", "run=hull-aria"]


def test_recordings_without_their_package_are_one_clear_line(
    words: list[str], region4d: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "projectaria_tools.core", None)
    code, _, err = region4d("study", "lift/aria", *aria_words(words, tmp_path))
    assert code == 2
    assert "has VRS files, which need projectaria_tools: pip install 'region4d[aria]'" in err.strip().splitlines()[-1]
    assert not (tmp_path / "study" / "records").exists()


@pytest.mark.long
def test_an_object_of_a_recording_is_measured_by_its_box(
    words: list[str], region4d: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = SimpleNamespace(picture=lambda time_ns: aria_picture())
    monkeypatch.setattr(sequences, "recording_of", lambda folder: recording)
    code, _, err = region4d("study", "lift/aria", *aria_words(words, tmp_path))
    assert code == 0, err
    (line,) = (tmp_path / "study" / "records" / "aria" / "hull" / "records.jsonl").read_text().splitlines()
    found = json.loads(line)
    assert found["cluster"] == "aria/Carton_1"
    assert found["facts"]["occlusion"] == pytest.approx(0.25)
    assert set(found["metrics"]) == {"box_iou", "box_iou_true_axes", "visible_reward"}
    assert found["metrics"]["box_iou_true_axes"] > 0.5  # three sides of it are seen


@pytest.fixture
def photos(words: list[str], tmp_path: Path) -> list[str]:
    """Overrides of a study of a photo with all that is known, and of one with nothing but its mesh."""
    write_photo(tmp_path / "photos" / "known")
    write_photo(tmp_path / "photos" / "unknown", depth=False, camera=False)
    root = f"study.tests.sa3dao.store.root._args_=[{tmp_path}]"
    return [f"study.folder={tmp_path / 'photos'}", root, *words[:5], *words[-len(FOLDERS) :], "workers=1"]


@pytest.mark.long
def test_photos_are_measured_by_what_is_known_beside_published_numbers(
    photos: list[str], untrained: Path, region4d: Run, tmp_path: Path
) -> None:
    sampling = "{steps: 1, shortcut: false, fit: none, shape: network, best_of: 1}"
    small = [f"study.arms.lift={{model: {untrained}, sampling: {sampling}}}", "study.sheet.objects=2"]
    code, _, err = region4d("study", "lift/sa3dao", *photos, *small)
    assert code == 0, err
    folder = tmp_path / "study" / "records" / "sa3dao"
    hull, lift = (
        {line["item"]: line for line in map(json.loads, (folder / arm / "records.jsonl").read_text().splitlines())}
        for arm in ("hull", "lift")
    )
    assert hull["0"]["metrics"]["box_iou_aligned"] > 0.3
    assert hull["0"]["metrics"]["icp_f1_0.01"] > 0
    assert "no visible pixel of unknown" in hull["1"]["reason"]
    assert {key for key in lift["1"]["metrics"] if not key.startswith("icp_")} == {"pieces"}
    assert "occlusion" not in lift["1"]["facts"]
    report = (tmp_path / "study" / "report.md").read_text()
    assert "## Beside the published numbers, sa3dao" in report
    assert "| hull, ours | 2 | 1 | 0." in report
    assert "| SAM 3D |  |  | 0.4254 | 0.2661 |" in report
    assert "By occlusion" not in report
    assert "sa3dao: 2 objects of 2 photos of 'photos', 1 with depth, 1 with a camera file." in report


@pytest.mark.parametrize("spoilt", ["mask", "mesh"])
def test_a_photo_without_its_mask_or_mesh_is_one_clear_line(
    photos: list[str], region4d: Run, tmp_path: Path, spoilt: str
) -> None:
    next((tmp_path / "photos" / "known").glob(f"{spoilt}.*")).unlink()
    code, _, err = region4d("study", "lift/sa3dao", *photos)
    assert code == 2
    assert len(err.strip().splitlines()) == 1
    assert f"has no {spoilt}: each object needs one file" in err
    assert not (tmp_path / "study").exists()


def test_what_a_photo_holds_wrong_is_one_clear_line(photos: list[str], region4d: Run, tmp_path: Path) -> None:
    photo = tmp_path / "photos" / "unknown"
    (photo / "mesh.glb").rename(photo / "kept.glb")
    (photo / "mesh.obj").write_text("v 0 0 0\nv 1 0 0\n")
    code, _, err = region4d("study", "lift/sa3dao", *photos)
    assert code == 2
    assert "mesh.obj" in err.strip().splitlines()[-1]
    (photo / "mesh.obj").unlink()
    (photo / "kept.glb").rename(photo / "mesh.glb")
    write_large_photo(photo / "image.png", 20, 30)
    code, _, err = region4d("study", "lift/sa3dao", *photos)
    assert code == 2
    assert "a mask must have the size of its frame" in err.strip().splitlines()[-1]
    assert not (tmp_path / "study" / "report.md").exists()


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


def test_chains_of_trainings_come_before_the_methods_that_wait_for_them() -> None:
    plan = load_plan("lift", ["study=lift/rounds", "output=nowhere"])
    assert plan.unavailable() == []
    jobs = {job.name: job for job in plan.jobs()}
    assert list(jobs)[:3] == ["rounds", "one_round", "shuffled"]
    assert "start-held_out_parameters" in jobs
    assert "round_1-held_out_parameters" not in jobs
    first, second, third = (step.config for step in jobs["rounds"].steps)
    assert second.model.folder == f"{first.output}/model"
    assert third.model.folder == f"{second.output}/model"
    (alone,) = (step.config for step in jobs["one_round"].steps)
    assert alone.data.seeds == [first.data.seeds[0], third.data.seeds[1]]  # as many objects and steps as three rounds
    assert alone.trainer.max_steps == 3 * first.trainer.max_steps


@pytest.mark.long
def test_a_study_trains_its_arms_and_measures_them(
    words: list[str], untrained: Path, region4d: Run, tmp_path: Path
) -> None:
    small = ["data.objects.world.height=32", "data.objects.world.width=32", "data.objects.world.objects=[2,3]"]
    small += ["data.seeds=[16,20]", "data.count=2", "data.steps=1", "data.margin=0.0", "data.batch_size=2"]
    small += [
        "data.objects.world.families=[tower]",
        "data.objects.resolution=8",
        "trainer.max_steps=1",
        f"data.stores={tmp_path / 'worlds'}",
    ]
    small += [f"data.candidates={tmp_path / 'candidates'}", "experiment=lifting/preference"]
    folders = [tmp_path / "study" / "models" / name for name in ("first", "second")]
    starts = [untrained, folders[0] / "model"]
    chain = [[*small, f"model.folder={a}", f"output={b}"] for a, b in zip(starts, folders, strict=True)]
    second = f"{{model: {folders[1] / 'model'}, sampling: {{steps: 1}}}}"
    words = [*words, f"+study.trainings.chain={json.dumps(chain)}", f"+study.arms.second={second}"]
    words += ["study.sheet={methods: [], objects: 1}", "study.baselines=[]"]
    code, _, err = region4d("study", "lift/baselines", *words)
    assert code == 0, err
    assert "| second |" in (tmp_path / "study" / "report.md").read_text()
    card = (folders[1] / "model" / "README.md").read_text()
    assert f"model.folder={folders[0] / 'model'}" in card
    written = (folders[1] / "model" / "model.safetensors").stat().st_mtime_ns
    assert region4d("study", "lift/baselines", *words)[0] == 0
    assert (folders[1] / "model" / "model.safetensors").stat().st_mtime_ns == written


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
