"""Questions of a file, in the fields of published benchmarks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.regionize.item import VideoQuestion
from benchmarks.regionize.questions import read_questions


def test_fields_of_other_benchmarks_are_known(tmp_path: Path) -> None:
    rows = [
        {
            "id": 3,
            "video": "a.mp4",
            "question": "Where is the car?",
            "choices": {"A": "left", "B": "right"},
            "answer": "A",
        },
        {"scene_name": "b", "question": "How large is it?", "ground_truth": 2.5, "question_type": "size"},
    ]
    (tmp_path / "list.json").write_text(json.dumps(rows))
    (tmp_path / "lines.jsonl").write_text("".join(json.dumps(row) + "\n\n" for row in rows))
    expected = [
        VideoQuestion("3", "a.mp4", "Where is the car?", "A", ("left", "right")),
        VideoQuestion("1", "b", "How large is it?", "2.5", (), "size"),
    ]
    assert list(read_questions(tmp_path / "list.json")) == expected
    assert list(read_questions(tmp_path / "lines.jsonl")) == expected


ROW = {"video": "a", "question": "?", "answer": "A"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ([{**ROW, "question": " "}], "question 0 has no 'question'"),
        ([{"video": "a", "question": "?"}], "has no 'answer'"),
        ([{**ROW, "id": 1}, {**ROW, "id": 1}], "the id '1' was there before"),
        ([{**ROW, "options": "A B"}], "options are a list"),
        (["a"], "is not an object"),
        ([], "has no questions"),
    ],
)
def test_what_cannot_be_asked_is_named(tmp_path: Path, content: Any, said: str) -> None:
    (tmp_path / "q.json").write_text(json.dumps(content))
    with pytest.raises(ValueError, match=said):
        list(read_questions(tmp_path / "q.json"))


def test_what_is_not_json_is_named(tmp_path: Path) -> None:
    (tmp_path / "q.json").write_text("video,question\n")
    with pytest.raises(ValueError, match="neither a JSON list nor JSON lines"):
        list(read_questions(tmp_path / "q.json"))
    with pytest.raises(FileNotFoundError, match="no file of questions"):
        list(read_questions(tmp_path / "gone.json"))
