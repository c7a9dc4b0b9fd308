from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scenes.readers.image_folder import read_image_folder


def save(path: Path, grey: int, size: tuple[int, int] = (8, 6), exif: Image.Exif | None = None) -> None:
    Image.new("RGB", size, (grey,) * 3).save(path, **({"exif": exif} if exif else {}))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for i in (10, 2, 1, 0):
        save(tmp_path / f"frame{i}.png", i)
    (tmp_path / "notes.txt").write_text("not a picture")
    return tmp_path


def test_pictures_come_in_natural_order_one_a_second(folder: Path) -> None:
    clip = read_image_folder(folder)
    assert clip.video[:, 0, 0, 0].tolist() == [0, 1, 2, 10]
    assert clip.seconds.tolist() == [0, 1, 2, 3]


def test_chosen_frames_keep_their_times(folder: Path) -> None:
    clip = read_image_folder(folder, frames=2, fps=2.0)
    assert clip.video[:, 0, 0, 0].tolist() == [0, 10]
    assert clip.seconds.tolist() == [0, 1.5]


def test_one_picture_is_a_clip_of_one_frame(folder: Path) -> None:
    clip = read_image_folder(folder / "frame2.png")
    assert clip.video.shape == (1, 3, 6, 8)
    assert clip.seconds.tolist() == [0]


def test_exif_orientation_is_applied(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turn 90 degrees clockwise to view: the left column becomes the top row
    pixels = np.zeros((6, 8, 3), np.uint8)
    pixels[:, :4] = 255
    Image.fromarray(pixels).save(tmp_path / "a.png", exif=exif)
    video = read_image_folder(tmp_path / "a.png").video
    assert video.shape == (1, 3, 8, 6)
    assert video[0, 0, 0].min() == 255
    assert video[0, 0, -1].max() == 0


def test_pictures_of_two_sizes_are_refused(folder: Path) -> None:
    save(folder / "frame3.png", 3, (9, 6))
    with pytest.raises(ValueError, match=r"frame3.png is 9x6, expected 8x6 as frame0.png"):
        read_image_folder(folder)


def test_pictures_that_are_turned_differently_are_refused(folder: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    save(folder / "frame3.png", 3, exif=exif)
    with pytest.raises(ValueError, match=r"frame3.png is 6x8, expected 8x6 as frame0.png; turn them alike"):
        read_image_folder(folder)


def test_frames_keep_the_names_of_their_files(folder: Path) -> None:
    clip = read_image_folder(folder, frames=2)
    assert clip.frame_names == ("frame0", "frame10")
    assert clip.frames([1]).frame_names == ("frame10",)


def test_a_cut_picture_is_named(folder: Path) -> None:
    (folder / "frame2.png").write_bytes((folder / "frame2.png").read_bytes()[:40])
    with pytest.raises(ValueError, match=r"frame2.png cannot be read as a picture"):
        read_image_folder(folder)


def test_a_folder_without_pictures_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="holds no pictures"):
        read_image_folder(tmp_path)
