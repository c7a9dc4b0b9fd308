"""Reading questions about videos, in the fields that published benchmarks use."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from string import ascii_uppercase
from typing import Any

from benchmarks.records.lines import parse_json, read_lines
from benchmarks.region_qa.tasks.published.options import without_letter
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
    `task`; see FIELDS for other names. Without `id`, a question is named by its number. With options, the answer is a
    letter or the text of one. Letters are taken off options that have them, and answers become letters.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: a row lacks a field, its answer is not one of its options, a name comes twice, or the file is not
            JSON.
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
    lines = list(read_lines(path))
    cure = "it is neither a JSON list nor JSON lines"
    if "".join(lines).lstrip().startswith("["):
        yield from parse_json("".join(lines), str(path), cure)
        return
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield parse_json(line, f"{path} line {number}", cure)


def _asked(row: Any, number: int, where: str) -> VideoQuestion:
    if not isinstance(row, Mapping):
        raise ValueError(f"{where} is not an object with the fields {', '.join(NEEDED)}")
    found: dict[str, Any] = {
        field: next((row[name] for name in names if row.get(name) is not None), "") for field, names in FIELDS.items()
    }
    for field in NEEDED:
        if not str(found[field]).strip():
            raise ValueError(f"{where} has no '{field}'; its fields are {', '.join(map(str, row))}")
    name = str(number if found["name"] == "" else found["name"])
    video, question, answer = (str(found[field]) for field in NEEDED)
    options = _options(found["options"] or [], where)
    if options:
        answer = _letter(answer, options, where)
    return VideoQuestion(name, video, question, answer, options, str(found["category"]))


def _options(given: Any, where: str) -> tuple[str, ...]:
    """Read options without their letters."""
    if isinstance(given, Mapping) and all(letter in given for letter in ascii_uppercase[: len(given)]):
        given = [given[letter] for letter in ascii_uppercase[: len(given)]]
    if not isinstance(given, list):
        raise ValueError(f"{where}: options are a list of texts, or texts by letter from A on; got {given!r}")
    if len(given) > len(ascii_uppercase):
        raise ValueError(f"{where} has {len(given)} options: there are letters for {len(ascii_uppercase)}")
    texts = tuple(map(str, given))
    lettered = all(
        re.match(rf"\s*\(?{letter}[.):]", text) for letter, text in zip(ascii_uppercase, texts, strict=False)
    )
    return tuple(map(without_letter, texts)) if lettered else texts


def _letter(answer: str, options: Sequence[str], where: str) -> str:
    """Find the letter of an answer that is a letter, the text of an option, or both ("B. right")."""
    said, found = answer.strip(), []
    for letter, option in zip(ascii_uppercase, options, strict=False):
        text = re.escape(option.strip())
        if re.fullmatch(rf"{text}|\(?{letter}([.):]+(\s*{text})?)?", said, re.IGNORECASE):
            found.append(letter)
    if len(found) != 1:
        raise ValueError(
            f"{where}: the answer '{answer}' is {'several' if found else 'none'} of the options {', '.join(options)}; "
            "give the letter or the text of one"
        )
    return found[0]
