from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.region_qa.scoring import score_items
from benchmarks.region_qa.task_scores import means
from benchmarks.region_qa.tasks.task import Task
from region4d.configuration.compose import build, compose_config
from tests.support.clips.footage import shown_index
from tests.support.published.regions import write_r4d_bench


def task(folder: Path, *words: str) -> Task:
    made = build(compose_config("bench", [*write_r4d_bench(folder), "task.frames=4", *words]).task)
    assert isinstance(made, Task)
    return made


def test_the_layout_is_read_and_the_first_frame_is_the_marked_one(tmp_path: Path) -> None:
    moves, _, speed = task(tmp_path).items()
    assert moves.question.text == (
        "Where does <obj_1> go?\nOptions:\n(A) left\n(B) right\n(C) up\n(D) not moving\n"
        "Answer with the option's letter from the given choices directly."
    )
    assert (moves.question.answer, moves.cluster, moves.marks) == ("B", "videos/a.mp4", [])
    assert (speed.question.answer, speed.question.category) == ("B", "Speed & Acceleration")
    video = moves.open().clip.video
    assert int(video[0].min()) == 255  # the picture of the benchmark
    assert [shown_index(frame) for frame in video[1:]] == [2, 5, 7]


def test_answers_are_scored_and_pooled_as_the_benchmark_pools_them(tmp_path: Path) -> None:
    made = task(tmp_path, "+task.pools.asked=[Spatial Relation,Translational]")
    records = score_items("r4d", list(made.items()), ["(B) right", "A", "2.5 m/s"], "arm", 0)
    assert [record.score for record in records] == [1.0, 0.0, 1.0]
    found = means(made, [*records, replace(records[0], item="r3")], "score")
    assert (found["asked"], found["all items"]) == (pytest.approx(2 / 3), 0.75)
    assert "static" not in found  # not all of its categories were asked


def test_regions_are_handed_to_the_model_by_number(tmp_path: Path) -> None:
    moves, front, _ = task(tmp_path, "task.marks=regions", "task.regions=regions.json").items()
    assert moves.question.text.startswith("Where does <region0> go?")
    assert front.question.text.startswith("Is <region1> in front of <region0>?")
    (box,) = moves.open().regions
    assert box.masks[0].nonzero().amin(0).tolist() == [8, 8]
    assert int(box.masks[0].sum()) == 32 * 32
    _, mask = front.open().regions
    assert mask.masks[0].nonzero().amin(0).tolist() == [20, 50]
    assert int(mask.masks[0].sum()) == 40 * 40


def test_the_protocol_says_how_regions_are_shown(tmp_path: Path) -> None:
    for words, why in (
        ((), set()),
        (("task.marks=regions",), {"regions drawn by the benchmark instead of boxes or masks"}),
    ):
        made = task(tmp_path, *words)
        released = made.published[0]
        assert released.protocol.frames == 16
        differences = set(made.protocol.differences(released.protocol))
        prompt = "prompt duration, question, options, format instead of question, options, format"
        assert differences == {"frames 16 instead of 4", prompt, "parser letter instead of region4d"} | why


@pytest.mark.parametrize(
    ("change", "words", "said"),
    [
        ({"answer": "down"}, (), "test.json item r0: 'down' is not one of left, right, up, not moving"),
        ({}, ("task.marks=regions",), "test.json item r0: it has no regions: the published files have none"),
        ({"regions": [{"box": [1, 2, 3]}]}, ("task.marks=regions",), "item r0: a box has four numbers"),
        ({"question": "<obj_3>?", "regions": [{"point": [4, 4]}]}, ("task.marks=regions",), "mentions region 2"),
    ],
)
def test_what_is_not_in_the_layout_is_refused(
    tmp_path: Path, change: dict[str, object], words: tuple[str, ...], said: str
) -> None:
    made = task(tmp_path, *words)
    rows = json.loads((tmp_path / "test.json").read_text())
    (tmp_path / "test.json").write_text(json.dumps([{**rows[0], **change}]))
    with pytest.raises(ValueError, match=said):
        list(made.items())


def test_an_unknown_choice_of_marks_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="marks=pictures is unknown: choose one of drawn, regions"):
        task(tmp_path, "task.marks=pictures")
