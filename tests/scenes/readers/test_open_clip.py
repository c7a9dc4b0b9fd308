from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from scenes.readers.open_clip import open_clip
from tests.support.clips.footage import write_footage


def test_a_video_opens_by_its_content(tmp_path: Path) -> None:
    path = write_footage(tmp_path / "a.mkv", range(0, 400, 40))
    assert len(open_clip(path)) == 10
    assert len(open_clip(str(path), frames=3)) == 3


def test_a_picture_and_a_folder_of_pictures_open(tmp_path: Path) -> None:
    for i in range(3):
        Image.new("RGB", (8, 6)).save(tmp_path / f"{i}.jpg")
    assert len(open_clip(tmp_path / "1.jpg")) == 1
    assert len(open_clip(tmp_path)) == 3


def test_a_picture_is_opened_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Decoding a photo of 12 megapixels again, for its EXIF data, takes as long as all else."""
    Image.new("RGB", (6, 4)).save(tmp_path / "a.png")
    opened: list[object] = []
    original = Image.open
    monkeypatch.setattr(Image, "open", lambda *given, **options: opened.append(given) or original(*given, **options))
    assert open_clip(tmp_path / "a.png").size == (4, 6)
    assert len(opened) == 1


def test_an_rgbd_folder_opens_with_its_geometry(shared_data: Path) -> None:
    clip = open_clip(shared_data / "redwood_rgbd", frames=2)
    assert clip.depth is not None
    assert clip.world_T_cam is not None
    assert clip.video.shape == (2, 3, 480, 640)


def test_half_an_rgbd_folder_is_not_taken_for_a_folder_of_pictures(tmp_path: Path) -> None:
    (tmp_path / "depth").mkdir()
    with pytest.raises(FileNotFoundError, match="color"):
        open_clip(tmp_path)


@pytest.mark.parametrize("name", ["none.mp4", "empty", "notes.txt"])
def test_anything_else_gives_one_clear_line(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises((ValueError, FileNotFoundError), match=name) as caught:
        open_clip(tmp_path / name)
    assert "\n" not in str(caught.value)
