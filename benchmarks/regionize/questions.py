"""Reading questions about videos, in the fields that published benchmarks use."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.regionize.item import VideoQuestion

FIELDS: Mapping[str, Sequence[str]] = {  # each by the first name that a row has
    "name": ("id", "question_id", "doc_id"),
    "video": ("video", "video_path", "scene_name", "folder"),
    "question": ("question",),
    "answer": ("answer", "ground_truth"),
    "options": ("options", "choices"),
    "category": ("task", "category", "question_type"),
}
NEEDED = ("video", "question", "answer")


def read_questions(path: Path) -> Iterator[VideoQuestion]:
    """Read a JSON list, or JSON lines, one question after the other.

    A row has `video`, `question`, `answer` and, where it has them, `options` (a list, or texts by letter), `id` and
    `task`; see FIELDS for other names. Without `id`, a question is named by its number.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: a row lacks a field, a name comes twice, or the file is not JSON.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no file of questions '{path}'")
    seen: set[str] = set()
    for number, row in enumerate(_rows(path)):
        asked = _asked(row, number, f"{path} question {number}")
        if asked.name in seen:
            raise ValueError(f"{path} question {number}: the id '{asked.name}' was there before; give each its own")
        seen.add(asked.name)
        yield asked
    if not seen:
        raise ValueError(f"{path} has no questions")


def _rows(path: Path) -> Iterator[Any]:
    text = path.read_text(encoding="utf-8")
    try:
        if text.lstrip().startswith("["):
            yield from json.loads(text)
        else:
            yield from map(json.loads, filter(str.strip, text.splitlines()))
    except json.JSONDecodeError as error:
        raise ValueError(f"{path} is neither a JSON list nor JSON lines: {error}") from error


def _asked(row: Any, number: int, where: str) -> VideoQuestion:
    if not isinstance(row, Mapping):
        raise ValueError(f"{where} is not an object with the fields {', '.join(NEEDED)}")
    found: dict[str, Any] = {
        field: next((row[name] for name in names if row.get(name) is not None), "") for field, names in FIELDS.items()
    }
    for field in NEEDED:
        if not str(found[field]).strip():
            raise ValueError(f"{where} has no '{field}'; its fields are {', '.join(map(str, row))}")
    options = found["options"] or []
    if isinstance(options, Mapping):
        options = list(options.values())
    if not isinstance(options, list):
        raise ValueError(f"{where}: options are a list of texts; got {options!r}")
    name = str(number if found["name"] == "" else found["name"])
    video, question, answer = (str(found[field]) for field in NEEDED)
    return VideoQuestion(name, video, question, answer, tuple(map(str, options)), str(found["category"]))
