"""Finished studies, item by item."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.records.manifest import collect_manifest
from benchmarks.records.record import write_records
from region4d.studies.finished import FinishedStudy, StudyItem, chosen_items
from tests.support.studies import toy_records

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Live runs of arm `good`, right on every item, and `bad`, right on every second clip."""
    folder = tmp_path_factory.mktemp("runs")
    for arm in ("bad", "good"):
        write_records(folder / f"{arm}-seed0" / "records" / "toy", toy_records(8, (arm,)), collect_manifest({}))
    return folder


def names(items: list[StudyItem]) -> list[str]:
    return [item.name for item in items]


def test_live_runs_are_read_item_by_item(runs: Path) -> None:
    study = FinishedStudy(runs)
    assert study.tasks == ["toy"]
    items = study.items("toy")
    assert len(items) == 16
    item = items["clip-1/nearer_camera"]
    assert item.truth == "A: <region0>"
    assert {each.arm: each.right for each in item.outcomes} == {"bad": False, "good": True}


def test_items_are_chosen_by_category_arm_and_outcome(runs: Path) -> None:
    items = FinishedStudy(runs).items("toy").values()
    assert len(chosen_items(items, "distance", None, "all")) == 8
    assert len(chosen_items(items, None, "good", "right")) == 16
    assert chosen_items(items, None, "good", "wrong") == []
    wrong = chosen_items(items, "distance", "bad", "wrong")
    assert names(wrong) == [f"clip-{k}/distance" for k in (1, 3, 5, 7)]
    assert names(chosen_items(items, "distance", None, "mixed")) == names(wrong)


def test_one_folder_of_records_and_an_archive_are_studies_as_well(runs: Path, world_study: Path) -> None:
    assert len(FinishedStudy(runs / "bad-seed0" / "records" / "toy").items("toy")) == 16
    study = FinishedStudy(world_study)
    assert len(study.items("toy_worlds")) == 6
    with pytest.raises(ValueError, match="no task 'other'; choose one of toy_worlds"):
        study.items("other")
    with pytest.raises(ValueError, match="no item 'world-9/0' in any task"):
        study.item("world-9/0")


def test_samples_of_a_probe_study_are_ordered_by_a_metric() -> None:
    study = FinishedStudy(ROOT / "results" / "probe" / "quick")
    assert study.tasks == ["test", "val"]
    arm = "image_mae, layer 2"
    worst = chosen_items(study.items("test").values(), None, arm, "all", "point_error")
    errors = [item.mean("point_error", arm) for item in worst]
    assert len(errors) == 384
    assert errors == sorted(errors, reverse=True)


def test_a_folder_without_records_is_refused(tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text("a report")
    with pytest.raises(ValueError, match="holds no records of a study: give an archive"):
        FinishedStudy(tmp_path)
