"""Any file is a picture, or one clear line that names it."""

from __future__ import annotations

import contextlib
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scenes.readers.image_files import list_images, read_image
from scenes.readers.open_clip import open_clip
from scenes.readers.pictures import opening
from tests.support.clips.heic_grid import write_heic_grid


def write_png_header(path: Path, width: int, height: int) -> None:
    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b""))


@pytest.fixture
def photo() -> np.ndarray:
    """The truth of an iPhone photo: left half red, right half blue, two corners marked."""
    rgb = np.zeros((256, 384, 3), np.uint8)
    rgb[:, :192] = (200, 30, 30)
    rgb[:, 192:] = (30, 30, 200)
    rgb[:40, :40] = (20, 220, 20)
    rgb[-40:, -40:] = (230, 230, 20)
    return rgb


@pytest.mark.parametrize("quarter_turns", [0, 1, 2, 3])
def test_all_tiles_of_an_iphone_heic_are_read_and_turned(tmp_path: Path, photo: np.ndarray, quarter_turns: int) -> None:
    pytest.importorskip("pillow_heif")
    write_heic_grid(tmp_path / "IMG_0001.HEIC", photo, 2, 3, quarter_turns)
    video = open_clip(tmp_path / "IMG_0001.HEIC").video
    expected = np.rot90(photo, quarter_turns).transpose(2, 0, 1)
    assert video[0].shape == expected.shape
    assert np.abs(video[0].numpy().astype(int) - expected).mean() < 4  # the codec; a wrong tile or turn is 60 off


def test_heic_is_known_by_its_content(tmp_path: Path, photo: np.ndarray) -> None:
    pytest.importorskip("pillow_heif")
    write_heic_grid(tmp_path / "renamed.jpg", photo, 2, 3)
    assert read_image(tmp_path / "renamed.jpg").shape == (3, 256, 384)


def test_heic_without_the_extra_names_it(tmp_path: Path, photo: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "pillow_heif", None)
    write_heic_grid(tmp_path / "IMG_0001.HEIC", photo, 1, 1)
    with pytest.raises(ImportError, match=r'IMG_0001.HEIC is HEIC: to read it, pip install "region4d\[heic\]"'):
        open_clip(tmp_path / "IMG_0001.HEIC")


def test_a_picture_beyond_the_limit_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    write_png_header(tmp_path / "a.png", 20_000, 20_000)
    with pytest.raises(ValueError, match=r"a\.png has 20000x20000 pixels; the limit is 268 million"):
        read_image(tmp_path / "a.png")


def test_200_megapixels_are_within_the_limit(tmp_path: Path) -> None:
    write_png_header(tmp_path / "a.png", 16_320, 12_240)
    with pytest.raises(ValueError, match="truncated"):  # its size is no reason
        read_image(tmp_path / "a.png")
    assert Image.MAX_IMAGE_PIXELS == 1024**3 // 4 // 3  # of other users of Pillow


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"text",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\n",  # Pillow would start Ghostscript
        b"qoif" + struct.pack(">II", 8, 8) + b"\3\0",
        b"DDS " + bytes(124),
        b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X" + bytes(80),
        b"\0\0\0\x1cftypavif" + bytes(40),
        b"\x89PNG\r\n\x1a\n" + bytes(30),
        b"RIFF\x10\0\0\0WEBPVP8 " + bytes(20),
        b"GIF89a" + bytes(20),
        b"II*\0" + bytes(20),
        b"P6 8 x 255\n",
    ],
)
def test_what_is_no_picture_is_named_in_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.png cannot be read as a picture") as caught:
        read_image(tmp_path / "a.png")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "webp", "gif", "bmp", "avif"])
def test_damage_anywhere_raises_nothing_but_a_value_error(tmp_path: Path, suffix: str) -> None:
    path, random = tmp_path / f"a.{suffix}", np.random.default_rng(0)
    Image.fromarray(random.integers(0, 256, (24, 32, 3), np.uint8)).save(path)
    whole = path.read_bytes()
    for _ in range(60):
        data = bytearray(whole[: random.integers(1, len(whole) + 1)])
        for place in random.integers(0, len(data), 4):
            data[place] = random.integers(0, 256)
        path.write_bytes(data)
        with contextlib.suppress(ValueError, ImportError):
            read_image(path)


def test_a_pipe_is_not_a_picture(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")
    Image.new("RGB", (8, 6)).save(tmp_path / "b.png")
    with pytest.raises(ValueError, match="not a regular file"):
        open_clip(tmp_path / "a.png")
    assert len(open_clip(tmp_path)) == 1


def test_hidden_files_are_no_pictures(tmp_path: Path) -> None:
    for i in range(3):
        Image.new("RGB", (8, 6)).save(tmp_path / f"{i}.png")
        (tmp_path / f"._{i}.png").write_bytes(b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X" + bytes(80))
    Image.new("RGB", (8, 6)).save(tmp_path / ".thumbnail.png")
    assert [path.name for path in list_images(tmp_path)] == ["0.png", "1.png", "2.png"]
    assert len(open_clip(tmp_path)) == 3


def test_any_name_has_an_order(tmp_path: Path) -> None:
    names = ["1.png", "01.png", "²1.png", "a10.png", "a9.png", "٣.png"]
    for name in names:
        Image.new("RGB", (8, 6)).save(tmp_path / name)
    assert [path.name for path in list_images(tmp_path)] == ["01.png", "1.png", "٣.png", "a9.png", "a10.png", "²1.png"]


def test_pages_of_a_tiff_are_not_silently_dropped(tmp_path: Path) -> None:
    pages = [Image.new("L", (8, 6), shade) for shade in (10, 20, 30)]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    with pytest.raises(ValueError, match=r"a\.tif holds 3 pages"):
        read_image(tmp_path / "a.tif")


def test_a_smaller_page_of_a_tiff_is_a_thumbnail(tmp_path: Path) -> None:
    Image.new("L", (8, 6), 10).save(tmp_path / "a.tif", save_all=True, append_images=[Image.new("L", (4, 3), 20)])
    assert read_image(tmp_path / "a.tif")[0].unique().tolist() == [10]


def test_the_first_picture_of_a_phone_jpeg_with_several_is_read(tmp_path: Path) -> None:
    photo, depth = Image.new("RGB", (16, 8), (200, 30, 30)), Image.new("RGB", (4, 2))
    photo.save(tmp_path / "a.jpg", format="MPO", save_all=True, append_images=[depth])
    assert open_clip(tmp_path / "a.jpg").video.shape == (1, 3, 8, 16)
