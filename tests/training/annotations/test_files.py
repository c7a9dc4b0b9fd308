"""Files of training data: the places of their lines."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from training.annotations.files import AnnotationFile, mixed_weights

LINE = json.dumps({"conversations": [[{"question": "Was ist das? – ein Würfel", "answer": "ja"}]]}, ensure_ascii=False)


def test_lines_are_found_between_blank_ones(tmp_path: Path) -> None:
    path = tmp_path / "lines.jsonl"
    path.write_text(f"\n{LINE}\r\n\n{LINE}", encoding="utf-8")
    file = AnnotationFile(path)
    assert len(file) == 2
    assert [file.where(k) for k in range(2)] == [f"{path}:2", f"{path}:4"]
    assert file[1].conversations[0][0].question == "Was ist das? – ein Würfel"


def test_an_empty_or_missing_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").write_text("\n \n")
    with pytest.raises(ValueError, match="has no lines"):
        AnnotationFile(tmp_path / "empty.jsonl")
    with pytest.raises(FileNotFoundError, match="no file of training data"):
        AnnotationFile(tmp_path / "gone.jsonl")


def test_a_file_whose_lines_all_have_weight_zero_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "zero.jsonl"
    path.write_text(json.dumps({**json.loads(LINE), "weight": 0}))
    with pytest.raises(ValueError, match="every line has weight 0"):
        mixed_weights([AnnotationFile(path)], [1.0])
