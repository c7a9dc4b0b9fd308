"""Questions of a file, in the fields of published benchmarks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.regionize.item import VideoQuestion
from benchmarks.regionize.questions import read_questions

ROW = {"video": "a", "question": "?", "answer": "A"}


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


@pytest.mark.parametrize(
    ("options", "answer", "said"),
    [
        (["(A) A. Smith", "(B) B. Jones"], "(B) B. Jones", ("B", ("A. Smith", "B. Jones"))),
        (["A. left", "B. right"], "Right", ("B", ("left", "right"))),
        (["a", "b", "c", "d", "e"], "E", ("E", ("a", "b", "c", "d", "e"))),
        ([1, 0], 0, ("B", ("1", "0"))),
        ({"B": "right", "A": "left"}, "B", ("B", ("left", "right"))),
    ],
)
def test_options_lose_their_letters_and_answers_become_letters(
    tmp_path: Path, options: Any, answer: Any, said: tuple[str, tuple[str, ...]]
) -> None:
    (tmp_path / "q.json").write_text(json.dumps([{**ROW, "options": options, "answer": answer}]))
    (asked,) = read_questions(tmp_path / "q.json")
    assert (asked.answer, asked.options) == said


def test_a_line_end_inside_a_question_and_a_mark_of_bytes_are_read(tmp_path: Path) -> None:
    text = json.dumps({**ROW, "question": "Is the\u2028mug red?"}, ensure_ascii=False)
    (tmp_path / "q.jsonl").write_text(text + "\n", encoding="utf-8-sig")
    (asked,) = read_questions(tmp_path / "q.jsonl")
    assert asked.question == "Is the\u2028mug red?"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ([{**ROW, "question": " "}], "question 0 has no 'question'"),
        ([{"video": "a", "question": "?"}], "has no 'answer'"),
        ([{**ROW, "id": 1}, {**ROW, "id": 1}], "the id '1' was there before"),
        ([{**ROW, "options": "A B"}], "options are a list"),
        ([{**ROW, "options": ["left", "right"], "answer": 0}], "the answer '0' is none of the options left, right"),
        ([{**ROW, "options": ["B", "A"]}], "the answer 'A' is several of the options"),
        ([{**ROW, "options": ["x"] * 27}], "has 27 options"),
        ([{**ROW, "options": {"1": "x"}}], "texts by letter"),
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
