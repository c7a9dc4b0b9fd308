from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.region_qa.scoring import score_items
from benchmarks.region_qa.tasks.published.video.spatial_video import SpatialVideoTask
from region4d.configuration.compose import build, compose_config

ROWS: list[dict[str, Any]] = [
    {"id": 7, "dataset": "scannet", "scene_name": "s1", "question_type": "object_counting", "ground_truth": "4"}
    | {"question": "How many chair(s) are in this room?", "options": None},
    {"id": 8, "dataset": "scannet", "scene_name": "s1", "question_type": "object_rel_distance", "ground_truth": "C"}
    | {"question": "Which one?", "options": ["A. lamp", "B. cup", "C. chair", "D. door"]},
    {"id": 9, "dataset": "arkitscenes", "scene_name": "s2", "question_type": "room_size_estimation"}
    | {"question": "What is the size of this room?", "options": None, "ground_truth": "20.0"},
]


def task(folder: Path, rows: list[dict[str, Any]], option: str = "vsi_bench") -> SpatialVideoTask:
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    words = [f"task=published/{option}", f"task.folder={folder}", "task.questions=rows.jsonl"]
    made = build(compose_config("bench", words).task)
    assert isinstance(made, SpatialVideoTask)
    return made


def test_the_layout_of_vsi_bench_is_read_and_asked_as_its_evaluation_asks(tmp_path: Path) -> None:
    count, choice, room = task(tmp_path, ROWS).items()
    assert [item.name for item in (count, choice, room)] == ["7", "8", "9"]
    assert count.question.text == (
        "These are frames of a video.\nHow many chair(s) are in this room?\n"
        "Please answer the question using a single word or phrase."
    )
    assert choice.question.text == (
        "These are frames of a video.\nWhich one?\nOptions:\nA. lamp\nB. cup\nC. chair\nD. door\n"
        "Answer with the option's letter from the given choices directly."
    )
    assert choice.question.options == ("lamp", "cup", "chair", "door")
    assert (count.cluster, choice.cluster, room.cluster) == ("scannet/s1.mp4", "scannet/s1.mp4", "arkitscenes/s2.mp4")
    assert count.media == choice.media
    assert (room.question.value, room.question.unit) == (20.0, "m^2")


def test_answers_are_scored_by_our_parser_and_by_the_published_ones(tmp_path: Path) -> None:
    items = list(task(tmp_path, ROWS).items())
    records = score_items("vsi_bench", items, ["There are 5 chairs", "It is the chair.", "18 square meters"], "arm", 0)
    assert [dict(record.metrics) for record in records] == [
        {"score": 0.6, "vsibench": 0.0, "vsibench_lmms_eval": 0.6},  # an error of 25 %
        {"score": 1.0, "vsibench": 0.0, "vsibench_lmms_eval": 0.0},
        {"score": 0.8, "vsibench": 0.9, "vsibench_lmms_eval": 0.9},  # exactly 10 %: the published threshold is below .9
    ]


def test_the_layout_of_vsti_bench_has_its_letter_apart(tmp_path: Path) -> None:
    row = {"video_path": "scannet/a.mp4", "question_type": "camera_movement_direction", "question": "Where to?"}
    moved = {**row, "question_type": "camera_displacement", "ground_truth": 0.5, "options": []}
    rows = [{**row, "options": ["A. Left", "B. Right"], "mc_answer": "B", "ground_truth": "Right"}, moved]
    letter, metres = task(tmp_path, rows, "vsti_bench").items()
    assert (letter.question.answer, letter.question.options, letter.cluster) == (
        "B",
        ("Left", "Right"),
        "scannet/a.mp4",
    )
    assert (metres.question.value, metres.question.unit) == (0.5, "m")


def test_published_scores_name_how_they_were_measured(tmp_path: Path) -> None:
    made = task(tmp_path, ROWS, "vsti_bench")
    assert {(p.model, p.score): made.protocol.differences(p.protocol) for p in made.published} == {
        ("4D-RGPT-8B", 0.591): ["revision 2025 instead of July 2026", "frames 16 instead of 32"],
        ("NVILA-Lite-8B", 0.452): ["revision 2025 instead of July 2026", "frames not stated instead of 32"],
    }


def test_what_is_not_in_the_layout_is_refused(tmp_path: Path) -> None:
    nowhere = build(compose_config("bench", ["task=published/vsi_bench", "task.folder=nowhere"]).task)
    with pytest.raises(FileNotFoundError, match="no questions at"):
        list(nowhere.items())
    with pytest.raises(ValueError, match="row 1 has no question_type, ground_truth"):
        list(task(tmp_path, [{"question": "?"}]).items())
    with pytest.raises(ValueError, match="question type 'taste' has no options and no unit"):
        list(task(tmp_path, [{**ROWS[0], "question_type": "taste"}]).items())
