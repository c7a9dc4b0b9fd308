from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.region_qa.scoring import score_items
from benchmarks.region_qa.tasks.media import ClipFile
from benchmarks.region_qa.tasks.task import Task
from region4d.configuration.compose import build, compose_config


def task(option: str, folder: Path, rows: list[dict[str, Any]]) -> Task:
    (folder / "rows.json").write_text(json.dumps(rows))
    words = [f"task=published/{option}", f"task.folder={folder}", "task.questions=rows.json"]
    made = build(compose_config("bench", words).task)
    assert isinstance(made, Task)
    return made


CANDIDATES = {"A": "1.5 m/s", "B": "2.5 m/s", "C": "3.5 m/s", "D": "4.5 m/s", "E": "5.5 m/s"}
STI = {"Video": "scene_1.mp4", "Task": "Speed & Acceleration", "Question": "How fast is the car?", "Answer": "B"}
STI |= {"time_start": 0.5, "time_end": 3}


def test_the_layout_of_sti_bench_is_read_with_candidates_as_json_or_not(tmp_path: Path) -> None:
    rows = [{**STI, "Candidates": candidates} for candidates in (CANDIDATES, json.dumps(CANDIDATES))]
    one, other = task("sti_bench", tmp_path, rows).items()
    assert one.question == other.question
    assert one.question.text == (
        "From 0.5 s to 3 s. How fast is the car?\n(A) 1.5 m/s\n(B) 2.5 m/s\n(C) 3.5 m/s\n(D) 4.5 m/s\n(E) 5.5 m/s\n"
        "Please output only the option letter!"
    )
    assert one.media == ClipFile(tmp_path / "video" / "scene_1.mp4", 30)


def test_an_answer_that_is_a_value_counts_for_our_parser_alone(tmp_path: Path) -> None:
    items = list(task("sti_bench", tmp_path, [{**STI, "Candidates": CANDIDATES}] * 3).items())
    records = score_items("sti_bench", items, ["2.5 m/s", "(B)", "(C)"], "arm", 0)
    assert [dict(record.metrics) for record in records] == [
        {"score": 1.0, "sti_bench": 0.0},
        {"score": 1.0, "sti_bench": 1.0},
        {"score": 0.0, "sti_bench": 0.0},
    ]


VLM4D = {"id": "v7", "question_type": "multiple-choice", "question": "Which way does the man walk?"}
VLM4D |= {"choices": {"A": "left", "B": "right", "C": "not moving", "D": "up"}, "answer": "Right"}
VLM4D |= {"video": "https://example.org/datasets/x/resolve/main/videos_real/davis/man.mp4"}


def test_the_layout_of_vlm4d_is_read(tmp_path: Path) -> None:
    (item,) = task("vlm4d", tmp_path, [VLM4D]).items()
    assert (item.name, item.question.answer, item.question.category) == ("v7", "B", "videos_real")
    assert item.question.text == (
        "Which way does the man walk?\nA: left\nB: right\nC: not moving\nD: up\nAnswer with the letter of one option."
    )
    assert item.media == ClipFile(tmp_path / "videos_real/davis/man.mp4", 32)
    records = score_items("vlm4d", [item] * 3, ["right", "B", "not moving"], "arm", 0)
    assert [record.score for record in records] == [1.0, 1.0, 0.0]


def test_an_answer_that_is_none_of_the_choices_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="item v7: 'down' is not one of left, right, not moving, up"):
        list(task("vlm4d", tmp_path, [{**VLM4D, "answer": "down"}]).items())
