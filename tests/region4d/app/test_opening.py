"""Uploads, listed footage and worlds: what is opened, what is refused, what is left behind."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image

from region4d.app.opening import open_listed, open_upload, open_world
from region4d.app.settings import Settings
from scenes.clip import Clip
from scenes.questions.facts import Facts
from tests.support.clips.footage import write_footage


def test_an_upload_is_opened_and_its_file_deleted(tmp_path: Path, settings: Settings) -> None:
    path = write_footage(tmp_path / "clip.mp4", [0, 40, 80, 120, 160])
    opened = open_upload(path, "clip.mp4", 3, settings)
    assert (len(opened.clip), opened.kind, opened.depth) == (3, "video", None)
    assert not path.exists()


@pytest.mark.parametrize("name", ["notes.mp4", "notes.png"])
def test_a_text_file_with_the_name_of_media_is_one_clear_line_and_is_deleted(
    tmp_path: Path, settings: Settings, name: str
) -> None:
    path = tmp_path / "hash" / name
    path.parent.mkdir()
    path.write_text("these are notes\n")
    with pytest.raises(ValueError) as error:
        open_upload(path, name, 4, settings)
    assert f"'{name}' cannot be read as a" in str(error.value)
    assert str(tmp_path) not in str(error.value)
    assert "\n" not in str(error.value)
    assert not path.exists()


def test_a_video_that_is_too_long_is_refused_before_its_frames_are_read(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_footage(tmp_path / "long.mp4", [0, 40, 7_200_000])
    monkeypatch.setattr("region4d.app.opening.read_frames", None)
    with pytest.raises(ValueError, match=r"'long.mp4' lasts 7200 s; this server takes 60 s"):
        open_upload(path, "long.mp4", 4, settings)


def test_an_upload_that_is_too_large_is_refused(tmp_path: Path, settings: Settings) -> None:
    path = tmp_path / "large.mp4"
    with path.open("wb") as file:
        file.truncate(settings.max_upload_bytes + 1)
    with pytest.raises(ValueError, match="is larger than 8 MB"):
        open_upload(path, "large.mp4", 4, settings)
    assert not path.exists()


def test_a_picture_is_one_frame(tmp_path: Path, settings: Settings) -> None:
    Image.new("RGB", (30, 20)).save(tmp_path / "a.png")
    opened = open_upload(tmp_path / "a.png", "a.png", 4, settings)
    assert (len(opened.clip), opened.clip.size, opened.kind) == (1, (20, 30), "picture")


def test_a_listed_rgbd_folder_has_its_depth_and_stays(settings: Settings, rooms: Path) -> None:
    opened = open_listed("world-2", 4, settings)
    assert (opened.kind, opened.depth, len(opened.clip)) == ("RGB-D folder", "RGB-D folder", 4)
    assert (rooms / "world-2").is_dir()


@pytest.mark.parametrize("seed", [-1, 2**31])
def test_a_seed_out_of_range_is_refused(seed: int) -> None:
    with pytest.raises(ValueError, match="a seed is a number from 0"):
        open_world(seed, 2, False)


def test_more_frames_than_the_limit_are_refused() -> None:
    with pytest.raises(ValueError, match="from 1 to 16 frames"):
        open_world(0, 17, False)


def test_the_questions_of_a_world_have_its_exact_answers_and_tight_boxes() -> None:
    opened = open_world(6, 2, False)
    assert len(opened.questions) == 8
    truth, facts = opened.clip.truth, Facts.of(opened.clip)
    assert truth is not None
    tall = next(known for known in opened.questions if known.text == "How tall is <region0>?")
    place = _object_in_box(opened.clip, tall.marks[0].frame, tall.marks[0].x0, tall.marks[0].y0)
    assert float(tall.truth.removesuffix(" m")) == pytest.approx(float(facts.height[place]), rel=0.05)  # two digits
    assert opened.truth(tall.text, tall.marks) == tall.truth
    assert opened.truth("How wide is <region0>?", tall.marks) is None
    assert opened.truth(tall.text, [replace(mark, x0=mark.x0 - 5) for mark in tall.marks]) is None


def _object_in_box(clip: Clip, frame: int, x0: float, y0: float) -> int:
    """Find the object whose tight box starts at a corner."""
    assert clip.truth is not None
    for place in range(len(clip.truth.objects)):
        rows, cols = torch.nonzero(clip.truth.instances[frame] == place + 1, as_tuple=True)
        if len(rows) and (int(cols.min()), int(rows.min())) == (x0, y0):
            return place
    raise AssertionError("no object has this box")
