from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.region_qa.scoring import score_items
from benchmarks.region_qa.task_scores import means
from benchmarks.region_qa.tasks.media import BoxMark, ClipFile, EstimatedDepth
from benchmarks.region_qa.tasks.task import Task
from region4d.configuration.compose import build, compose_config
from tests.support.published.regions import write_spatialrgpt_bench


def task(folder: Path, *words: str) -> Task:
    made = build(compose_config("bench", [*write_spatialrgpt_bench(folder), *words]).task)
    assert isinstance(made, Task)
    return made


def test_the_layout_is_read_with_its_truths_and_masks(tmp_path: Path) -> None:
    behind, taller, width, where = task(tmp_path).items()
    assert behind.question.text == "Is <region0> behind <region1>?"
    truths = [item.question.answer for item in (behind, taller, where)]
    assert truths == ["no", "region 1", "12 o'clock"]
    assert [item.question.category for item in (behind, taller, width)] == ["behind/front", "tall/short", "width"]
    assert width.question.value == pytest.approx(3.048)
    assert width.question.text == "How wide is <region0>?"  # only the region that is mentioned, numbered from 0
    assert width.marks == [BoxMark((50.0, 20.0, 90.0, 60.0))]  # no masks
    assert [int(region.masks[0].sum()) for region in behind.open().regions] == [32 * 32, 40 * 40]


@pytest.mark.parametrize(
    ("said", "scores"),
    [
        (["No.", "Region [1]", "3 m", "11 o'clock"], [1, 1, 1, 1]),
        (["In fact, it is nearer.", "Region 1 is taller than Region 0.", "8 feet", "1 o'clock"], [1, 1, 1, 1]),
        (["Yes", "<region0>", "4 m", "2 o'clock"], [0, 0, 0, 0]),
        (["It is nearer.", "the taller one", "wide", "ahead"], [0, 0, 0, 0]),
    ],
)
def test_answers_are_scored_by_rule(tmp_path: Path, said: list[str], scores: list[float]) -> None:
    records = score_items("srgpt", list(task(tmp_path).items()), said, "arm", 0)
    assert [record.score for record in records] == scores


def test_errors_leave_answers_without_a_number_out(tmp_path: Path) -> None:
    made = task(tmp_path)
    *_, width, where = score_items("srgpt", list(made.items()), ["no", "no", "1.524 m", "3 o'clock"], "arm", 0)
    assert width.metrics == {"score": 0.0, "abs_rel": pytest.approx(0.5)}
    assert where.metrics == {"score": 0.0, "error_deg": 90.0}
    silent = score_items("srgpt", list(made.items()), ["no", "Region 1", "wide", "there"], "arm", 0)
    assert [set(record.metrics) for record in silent] == [{"score"}] * 4
    assert [record.parsed is None for record in silent] == [False, False, True, True]
    assert means(made, silent, "score") == {
        **{"behind/front": 1.0, "tall/short": 1.0, "width": 0.0, "direction": 0.0},
        "all items": 0.5,  # pools need every category
    }


def test_published_scores_need_the_judge(tmp_path: Path) -> None:
    made = task(tmp_path)
    differences = made.protocol.differences(made.published[0].protocol)
    assert "judge GPT-4 instead of none" in differences
    assert "depth Depth Anything (relative) instead of none" in differences


def test_depth_may_be_estimated(tmp_path: Path) -> None:
    made = task(tmp_path, "task.depth=some-depth-model")
    assert next(iter(made.items())).media == EstimatedDepth(ClipFile(tmp_path / "SUNRGBD/0001.jpg"), "some-depth-model")
    assert made.protocol.depth == "some-depth-model"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"qa_info": {"category": "colour_choice"}}, "the category 'colour_choice' is unknown"),
        ({"text_q": "Is Region [2] tall?"}, "mentions region 2, but has 2 regions"),
        ({"conversations": []}, "is not in the published layout"),
        ({"bbox": [[1, 2, 3]], "rle": None}, r"item qualitative_0: a box has four numbers, got \[1, 2, 3\]"),
        ({"qa_info": {"category": "width_data"}}, "'No, it is in front of Region .1..' gives no length"),
    ],
)
def test_what_is_not_in_the_layout_is_refused(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    made = task(tmp_path)
    path = tmp_path / "SpatialRGPT-Bench_v1.json"
    rows = json.loads(path.read_text())
    path.write_text(json.dumps([{**rows[0], **change}]))
    with pytest.raises(ValueError, match=said):
        list(made.items())


def test_a_mask_of_another_size_is_refused(tmp_path: Path) -> None:
    made = task(tmp_path)
    path = tmp_path / "SpatialRGPT-Bench_v1.json"
    rows = json.loads(path.read_text())
    rows[0]["rle"][0]["size"] = [10, 10]
    path.write_text(json.dumps(rows[:1]))
    (item,) = made.items()
    with pytest.raises(ValueError, match=r"a mask has the size \[10, 10\], its frame 64 x 96"):
        item.open()
