from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.metrics.text.cider import cider
from benchmarks.records.manifest import Manifest
from benchmarks.records.parts import Parts, Shard
from benchmarks.records.record import read_records
from benchmarks.region_qa.measure import UNSEEN, answer_shard
from benchmarks.region_qa.published_parsers.scene_answers import framed
from benchmarks.region_qa.scoring import score_items
from benchmarks.region_qa.tasks.task import Task
from region4d.configuration.compose import build, compose_config
from tests.support.blank_benchmark import HalfRight
from tests.support.published.scenes import ALIGNMENT, SCENE, write_scan2cap


def made(folder: Path) -> Task:
    task = build(compose_config("bench", write_scan2cap(folder)).task)
    assert isinstance(task, Task)
    return task


def test_an_object_is_the_region_of_its_box_in_the_aligned_world(tmp_path: Path) -> None:
    middle, right, _ = made(tmp_path).items()
    assert middle.question.text == "Given an object located at <region0>, describe the object in detail."
    assert middle.name == f"{SCENE}|0"
    (region,) = middle.open().regions
    assert sorted(region.masks) == [0, 1]  # both views show it
    rows, columns = region.masks[0].nonzero().unbind(1)
    # half a metre 2 m away, at a focal length of 64: 16 pixels around the centre, 32, 24
    assert (int(columns.min()), int(columns.max()), int(rows.min()), int(rows.max())) == (24, 39, 16, 31)
    assert right.open().regions[0].masks[0].nonzero()[:, 1].min() == 40


def test_a_description_is_scored_between_its_ends(tmp_path: Path) -> None:
    task = made(tmp_path)
    items = list(task.items())
    right = score_items("scan2cap", items, ["this is a blue wall.", "it is the right half of the wall.", "?"], "a", 0)
    assert [record.score for record in right[:2]] == [pytest.approx(1.0)] * 2
    assert 0 < right[2].score < 0.5  # "sos" and "eos" alone
    scores = task.corpus_scores(right[:2])
    assert scores["BLEU-4"].value == pytest.approx(1.0)
    texts = [framed(record.prediction) for record in right[:2]]
    each = cider(texts, [[framed(reference) for reference in item.references] for item in items[:2]])
    assert scores["CIDEr"].value == pytest.approx(sum(each) / 2)


def moved(folder: Path, **boxes: list[float]) -> Task:
    """Give the objects of these numbers other boxes."""
    task, path = made(folder), folder / "scan2cap_val_llava_style.json"
    rows = json.loads(path.read_text())
    for number, box in boxes.items():
        rows[int(number[1:])]["gt_box"] = box
    path.write_text(json.dumps(rows))
    return task


def test_an_object_behind_others_is_where_its_box_projects(tmp_path: Path) -> None:
    hidden, *_ = moved(tmp_path, _0=[1.0, 6.0, 0.0, 0.5, 0.2, 0.5]).items()
    rows, columns = hidden.open().regions[0].masks[0].nonzero().unbind(1)
    assert (int(columns.min()), int(columns.max()), int(rows.min()), int(rows.max())) == (28, 35, 20, 27)  # 3.9 m away


def test_an_object_that_no_frame_shows_is_not_asked_and_scores_as_empty(tmp_path: Path) -> None:
    task, model = moved(tmp_path, _1=[1.0, -4.0, 0.0, 0.5, 0.2, 0.5]), HalfRight()
    parts, run = Parts(tmp_path / "run"), Manifest({}, "abc", "a machine", {}, "", "2026-01-01")
    parts.begin(run)
    assert parts.merge(answer_shard(task, lambda: model, parts, Shard(), arm="half"), run)
    shown, behind, other = read_records(tmp_path / "run")
    assert [len(batch) for batch in model.batches] == [2]
    assert (behind.prediction, behind.facts[UNSEEN]) == ("", True)
    assert shown.prediction
    assert UNSEEN not in {**shown.facts, **other.facts}


def test_a_scan_without_cameras_or_a_box_of_another_form_is_refused(tmp_path: Path) -> None:
    task = made(tmp_path)
    path = tmp_path / "scan2cap_val_llava_style.json"
    rows = json.loads(path.read_text())
    path.write_text(json.dumps([{**rows[0], "gt_box": None}]))
    with pytest.raises(ValueError, match=r"a box has 6 numbers \(centre, extents\), got None"):
        list(task.items())
    (tmp_path / "scans" / SCENE / f"{SCENE}.txt").write_text(ALIGNMENT[:20])
    path.write_text(json.dumps(rows))
    with pytest.raises(ValueError, match="axisAlignment has 2 numbers, expected 16"):
        next(iter(task.items())).open()
