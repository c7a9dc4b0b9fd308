"""Small files in the published layouts, converted and opened."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.support.clips.footage import write_footage
from training.annotations.checking import check_file
from training.annotations.converters import convert
from training.annotations.files import AnnotationFile


def talk(*texts: str) -> list[dict[str, str]]:
    return [{"from": ("human", "gpt")[i % 2], "value": text} for i, text in enumerate(texts)]


@pytest.fixture
def media(tmp_path: Path) -> Path:
    folder = tmp_path / "media"
    folder.mkdir()
    for name in ("a.jpg", "b.jpg"):
        Image.fromarray(np.full((48, 64, 3), 90, np.uint8)).save(folder / name)
    write_footage(folder / "clip.mp4", [0, 40, 80])
    return folder


LLAVA: list[dict[str, Any]] = [
    {"id": 7, "image": "a.jpg", "conversations": talk("<image>\nWhat is it?", "a wall", "Sure?", "yes")},
    {"images": ["a.jpg", "b.jpg"], "conversations": talk("<image>\n<image>\nThe same?", "yes")},
    {
        "video": "clip.mp4",
        "question_type": "route",
        "conversations": talk("<image>\nA video.\nWhere to?", "left"),
    },
    {"video": None, "image": "b.jpg", "conversations": talk("<image>\nThe same?", "yes")},
    {"conversations": talk("What is a cube?", "a solid")},
    {"image": "a.jpg", "conversations": [{"from": "system", "value": "be brief"}, *talk("What?", "it")]},
]


@pytest.mark.parametrize("lines", [True, False])
def test_llava(media: Path, tmp_path: Path, lines: bool) -> None:
    source = tmp_path / "llava.json"
    source.write_text("\n".join(map(json.dumps, LLAVA)) if lines else json.dumps(LLAVA))
    done = convert("llava", source, media, tmp_path / "out.jsonl")
    assert (done.written, dict(done.left_out)) == (5, {"turns are not human and gpt in alternation": 1})
    found = check_file(AnnotationFile(tmp_path / "out.jsonl"), 2)
    assert found.errors == []
    assert found.counts["media"] == {"image": 2, "images": 1, "video": 1, "none": 1}
    first = AnnotationFile(tmp_path / "out.jsonl")[0]
    assert [turn.question for turn in first.conversations[0]] == ["What is it?", "Sure?"]
    assert first.name == "7"
    assert AnnotationFile(tmp_path / "out.jsonl")[2].conversations[0][0].question == "A video.\nWhere to?"


def test_spatial_rgpt(media: Path, tmp_path: Path) -> None:
    code = {"size": [48, 64], "counts": [100, 20, 48 * 64 - 120]}
    about = talk("<image>\nIs <mask> <depth> behind <mask> <depth>?", "Yes.", "And <mask> <depth>?", "No.")
    samples = [
        {"filename": "a", "rle": [code] * 3, "bbox": [[0, 0, 9, 9]] * 3, "conversations": about},
        {"filename": "b", "bbox": [[4, 4, 20, 20]], "conversations": talk("What is <mask> <depth>?", "A cup.")},
        {"filename": "b", "bbox": [[4, 4, 20, 20]], "conversations": about},
        {"filename": "b", "conversations": about},
    ]
    source = tmp_path / "spatial.json"
    source.write_text(json.dumps(samples))
    done = convert("spatial_rgpt", source, media, tmp_path / "out.jsonl")
    assert (done.written, sum(done.left_out.values())) == (2, 2)
    file = AnnotationFile(tmp_path / "out.jsonl")
    assert [turn.question for turn in file[0].conversations[0]] == ["Is <region0> behind <region1>?", "And <region2>?"]
    found = check_file(file, 2)
    assert found.errors == []
    assert found.counts["marks"] == {"rle": 3, "box": 1}


def test_sat(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs pyarrow, of the extra lerobot")
    import pyarrow

    pictures = []
    for value in (40, 90):
        content = io.BytesIO()
        Image.fromarray(np.full((48, 64, 3), value, np.uint8)).save(content, "PNG")
        pictures.append(content.getvalue())
    rows = {
        "image_bytes": [pictures[:1], pictures],
        "question": ["Is it near?", "Did it move?"],
        "answers": [["yes", "no"], ["left", "right"]],
        "question_type": ["obj", "action"],
        "correct_answer": ["no", "left"],
    }
    parquet.write_table(pyarrow.table(rows), tmp_path / "SAT_val.parquet")
    done = convert("sat", tmp_path / "SAT_val.parquet", tmp_path / "pictures", tmp_path / "out.jsonl")
    assert done.written == 2
    file = AnnotationFile(tmp_path / "out.jsonl")
    assert file[0].conversations[0][0].question == "Is it near? Choose between the following options: yes, or no."
    assert check_file(file, 2).counts["media"] == {"image": 1, "images": 1}
    assert len(list((tmp_path / "pictures").iterdir())) == 2
    with pytest.raises(ValueError, match="is not Parquet"):
        convert("sat", tmp_path / "out.jsonl", tmp_path / "pictures", tmp_path / "again.jsonl")


@pytest.mark.parametrize("content", ["[3]", "{", "[]", '[{"image": "a.jpg"}]'])
def test_a_file_of_another_layout_is_refused_and_nothing_written(media: Path, tmp_path: Path, content: str) -> None:
    source = tmp_path / "other.json"
    source.write_text(content)
    with pytest.raises(ValueError, match=r"neither a JSON list|can be used"):
        convert("llava", source, media, tmp_path / "out.jsonl")
    assert not (tmp_path / "out.jsonl").exists()
