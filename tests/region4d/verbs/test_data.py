"""`region4d data check`, and a training on a file of one's own by the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from tests.support.programs.command_line import Run, assert_one_line

TALK = [[{"question": "What is <region0>?", "answer": "a red thing"}]]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    Image.new("RGB", (64, 48), (200, 30, 30)).save(tmp_path / "red.png")
    lines = [{"image": "red.png", "regions": [{"box": [4, 4, 20, 20]}], "conversations": TALK} for _ in range(3)]
    path = tmp_path / "my.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_a_file_is_checked_and_drawn(region4d: Run, file: Path, tmp_path: Path) -> None:
    code, out, err = region4d("data", "check", str(file), "--picture", str(tmp_path / "sheet.jpg"))
    assert code == 0, err
    assert out.splitlines()[:2] == ["lines: 3, of which 0 cannot be used", "media: 3 image"]
    with Image.open(tmp_path / "sheet.jpg") as sheet:
        assert sheet.width > 300


def test_a_broken_file_names_every_line(region4d: Run, file: Path, tmp_path: Path) -> None:
    with file.open("a") as lines:
        lines.write('{"image": "gone.png", "conversations": [[{"question": "What?", "answer": "It"}]]}\n{"imag')
    code, out, err = region4d("data", "check", str(file), "--picture", str(tmp_path / "sheet.jpg"))
    assert code == 2
    assert "lines: 5, of which 2 cannot be used" in out
    assert f"{file}:4: no such picture: {tmp_path / 'gone.png'}" in err
    assert f"{file}:5: the line is not JSON" in err
    assert err.rstrip().splitlines()[-1] == "region4d: 2 of 5 lines cannot be used"


def test_a_missing_file_is_one_line(region4d: Run, tmp_path: Path) -> None:
    assert_one_line(region4d("data", "check", str(tmp_path / "gone.jsonl")), "no file of training data")


def test_a_file_trains_the_tiny_model(region4d: Run, file: Path, tmp_path: Path) -> None:
    words = [
        "experiment=sr3d/tiny_annotated",
        f"data.files=[{file}]",
        f"output={tmp_path / 'run'}",
        "trainer.max_steps=2",
    ]
    code, _, err = region4d("train", *words, "trainer.accelerator=cpu")
    assert code == 0, err
    assert "my.jsonl (3 lines)" in (tmp_path / "run" / "model" / "README.md").read_text()


def test_a_training_without_files_says_which_key(region4d: Run) -> None:
    assert_one_line(region4d("train", "experiment=sr3d/tiny_annotated"), "data.files")


def test_a_data_set_is_converted(region4d: Run, tmp_path: Path) -> None:
    talk = [{"from": "human", "value": "<image>What?"}, {"from": "gpt", "value": "red"}]
    (tmp_path / "llava.json").write_text(json.dumps([{"image": "a.png", "conversations": talk}, {"image": "b.png"}]))
    words = ["data", "convert", "llava", str(tmp_path / "llava.json"), "--media", str(tmp_path), "-o"]
    code, out, err = region4d(*words, str(tmp_path / "out.jsonl"))
    assert code == 0, err
    assert out == f"{tmp_path / 'out.jsonl'}: 1 lines, 1 samples left out\n"
    assert err == "left out 1: there are no conversations\n"
    assert_one_line(region4d(*words, str(tmp_path / "out.jsonl")), "exists")
    words[2] = "coco"
    assert_one_line(region4d(*words, str(tmp_path / "new.jsonl")), "the layout 'coco' is unknown")
