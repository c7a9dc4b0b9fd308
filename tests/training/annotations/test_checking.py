"""Reading all of a file before a training does."""

from __future__ import annotations

import json
from pathlib import Path

from tests.training.annotations.conftest import LINES
from training.annotations.checking import check_file
from training.annotations.files import AnnotationFile


def test_a_whole_file_is_counted_and_drawn(annotated: Path) -> None:
    found = check_file(AnnotationFile(annotated), 4)
    assert found.errors == []
    assert found.summary().splitlines() == [
        "lines: 6, of which 0 cannot be used",
        "media: 1 image with depth of unknown scale, 1 images, 1 video, 1 folder with depth, 1 none, "
        "1 folder with depth of unknown scale",
        "frames: 3 of 2, 1 of 1, 1 of 3",
        "marks: 2 box, 2 mask, 1 points, 1 polygon, 1 rle",
        "turns of a conversation: 6 of 1, 1 of 3",
        "licence: 5 not said, 1 CC0",
    ]
    assert len(found.pictures) == 6
    assert found.sheet().width > 3 * 300


def test_every_bad_line_is_named(annotated: Path) -> None:
    file = annotated.with_name("broken.jsonl")
    broken = ["{", json.dumps({**LINES[0], "image": "gone.png"}), json.dumps(LINES[4])]
    file.write_text("\n".join(broken))
    found = check_file(AnnotationFile(file), 4)
    assert found.lines == 3
    assert found.errors[0].startswith(f"{file}:1: the line is not JSON")
    assert found.errors[1].startswith(f"{file}:2: ")
    assert "gone.png" in found.errors[1]
