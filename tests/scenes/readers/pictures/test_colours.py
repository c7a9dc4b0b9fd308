"""Every kind of pixel becomes 8-bit RGB, upright."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms, ImageOps

from scenes.readers.image_files import read_image
from scenes.readers.pictures import colours

RAMP = np.linspace(0, 65535, 160 * 120).reshape(120, 160).astype(np.uint16)


def picture(height: int = 6, width: int = 8) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def oriented(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


@pytest.mark.parametrize("name", ["ramp.png", "ramp.tif"])
def test_16_bit_grey_is_scaled_and_not_clipped(tmp_path: Path, name: str) -> None:
    Image.fromarray(RAMP).save(tmp_path / name)
    rgb = read_image(tmp_path / name)
    assert torch.equal(rgb, torch.from_numpy((RAMP >> 8).astype(np.uint8)).expand(3, -1, -1))
    assert rgb.unique().numel() == 256


def test_16_bit_grey_of_the_other_byte_order_and_of_pgm_is_scaled(tmp_path: Path) -> None:
    image = Image.frombytes("I;16B", (160, 120), RAMP.astype(">u2").tobytes())
    image.save(tmp_path / "big.tif")
    assert np.array_equal(read_image(tmp_path / "big.tif")[0].numpy(), RAMP >> 8)
    (tmp_path / "a.pgm").write_bytes(b"P5 160 120 65535\n" + RAMP.astype(">u2").tobytes())
    assert np.array_equal(read_image(tmp_path / "a.pgm")[0].numpy(), RAMP >> 8)


def test_12_bit_tiff_is_scaled_as_12_bits(tmp_path: Path) -> None:
    values = np.linspace(0, 4095, 6 * 8).astype(np.uint16).reshape(6, 8)
    write_12_bit_tiff(tmp_path / "a.tif", values)
    rgb = read_image(tmp_path / "a.tif")
    assert np.array_equal(rgb[0].numpy(), values >> 4)
    assert rgb.max() == 255


def write_12_bit_tiff(path: Path, values: np.ndarray) -> None:
    """Write an uncompressed TIFF whose bytes hold two pixels in three; Pillow reads such files, but writes none."""
    height, width = values.shape
    high, low = values.reshape(-1, 2).T.astype(int)
    packed = np.stack([high >> 4, (high & 15) << 4 | low >> 8, low & 255], 1).astype(np.uint8).tobytes()
    tags = {256: width, 257: height, 258: 12, 259: 1, 262: 1, 273: 8, 277: 1, 278: height, 279: len(packed)}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    header = b"II*\0" + struct.pack("<I", 8 + len(packed))
    path.write_bytes(header + packed + struct.pack("<H", len(tags)) + entries + bytes(4))


@pytest.mark.parametrize("name", ["a.bmp", "a.ppm", "a.png", "a.tif"])
def test_a_format_without_loss_is_read_as_it_was_written(tmp_path: Path, name: str) -> None:
    Image.fromarray(picture()).save(tmp_path / name)
    assert np.array_equal(read_image(tmp_path / name).permute(1, 2, 0).numpy(), picture())


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_colour_profiles_are_not_applied(tmp_path: Path, name: str) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes()
    Image.fromarray(picture()).save(tmp_path / name, icc_profile=profile)
    assert Image.open(tmp_path / name).info["icc_profile"] == profile
    assert np.array_equal(read_image(tmp_path / name).permute(1, 2, 0).numpy(), picture())


def test_16_bit_rgb_keeps_its_high_bytes(tmp_path: Path) -> None:
    tifffile = pytest.importorskip("tifffile")
    deep = np.stack([RAMP, RAMP[::-1], RAMP[:, ::-1]], -1)
    tifffile.imwrite(tmp_path / "rgb.tif", deep, photometric="rgb")
    assert np.array_equal(read_image(tmp_path / "rgb.tif").permute(1, 2, 0).numpy(), deep >> 8)


@pytest.mark.parametrize("values", [[0.0, 0.5, 1.0], [0.0, 0.25, 0.75]])
def test_floats_from_0_to_1_are_shades(tmp_path: Path, values: list[float]) -> None:
    Image.fromarray(np.array([values], np.float32)).save(tmp_path / "a.tif")
    assert read_image(tmp_path / "a.tif")[0, 0].tolist() == [round(255 * value) for value in values]


@pytest.mark.parametrize("brightest", [4.5, 255.0, float("nan"), float("inf")])
def test_floats_without_a_white_are_refused(tmp_path: Path, brightest: float) -> None:
    Image.fromarray(np.array([[0, brightest]], np.float32)).save(tmp_path / "a.tif")
    with pytest.raises(ValueError, match=r"a\.tif holds floats .* needs 0 \(black\) to 1 \(white\)"):
        read_image(tmp_path / "a.tif")


def test_32_bit_integers_are_refused(tmp_path: Path) -> None:
    Image.fromarray(np.array([[0, 70000]], np.int32)).save(tmp_path / "a.tif")
    with pytest.raises(ValueError, match=r"a\.tif holds 32-bit integers"):
        read_image(tmp_path / "a.tif")


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK"])
def test_a_picture_of_each_mode_is_read_as_pillow_shows_it(tmp_path: Path, mode: str) -> None:
    image = Image.fromarray(picture()).convert(mode)
    path = tmp_path / ("a.tif" if mode == "CMYK" else "a.png")
    image.save(path)
    assert np.array_equal(read_image(path).permute(1, 2, 0).numpy(), np.array(Image.open(path).convert("RGB")))


def test_cmyk_jpeg_is_read_as_its_colours(tmp_path: Path) -> None:
    Image.new("RGB", (16, 16), (200, 30, 30)).convert("CMYK").save(tmp_path / "a.jpg", quality=95)
    assert (read_image(tmp_path / "a.jpg")[:, 8, 8] - torch.tensor([200, 30, 30])).abs().max() <= 4


def test_transparency_is_dropped_and_its_colour_kept(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    rgba = np.dstack([picture(), np.random.default_rng(1).integers(0, 256, (6, 8), np.uint8)])
    Image.fromarray(rgba, "RGBA").save(tmp_path / "a.png")
    assert np.array_equal(read_image(tmp_path / "a.png").permute(1, 2, 0).numpy(), rgba[..., :3])
    palette = Image.new("P", (2, 1))
    palette.putpalette([10, 20, 30, 40, 50, 60])
    palette.putdata([0, 1])
    palette.save(tmp_path / "p.png", transparency=bytes([0, 128]))
    assert read_image(tmp_path / "p.png")[:, 0].T.tolist() == [[10, 20, 30], [40, 50, 60]]
    assert [str(each.message) for each in recwarn if "transparency" in str(each.message).lower()] == []


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.tif", "a.webp"])
def test_each_exif_orientation_is_applied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, orientation: int, name: str
) -> None:
    options = {"lossless": True} if name == "a.webp" else {}
    Image.fromarray(picture()).save(tmp_path / name, exif=oriented(orientation), **options)
    expected = np.array(ImageOps.exif_transpose(Image.open(tmp_path / name)).convert("RGB"))
    assert expected.shape == ((8, 6, 3) if orientation > 4 else (6, 8, 3))
    for band in (8, 2**22):  # one row, or all
        monkeypatch.setattr(colours, "BAND", band)
        assert np.array_equal(read_image(tmp_path / name).permute(1, 2, 0).numpy(), expected)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_16_bit_pictures_are_turned_too(tmp_path: Path, orientation: int) -> None:
    Image.fromarray(RAMP).save(tmp_path / "a.png", exif=oriented(orientation))
    flat = Image.fromarray((RAMP >> 8).astype(np.uint8))
    flat.info["exif"] = oriented(orientation).tobytes()
    assert np.array_equal(read_image(tmp_path / "a.png")[0].numpy(), np.array(ImageOps.exif_transpose(flat)))


def test_avif_is_read_with_its_turn(tmp_path: Path) -> None:
    rgb = np.zeros((32, 64, 3), np.uint8)
    rgb[:, :32] = (220, 20, 20)
    Image.fromarray(rgb).save(tmp_path / "a.avif", quality=95, exif=oriented(6))
    read = read_image(tmp_path / "a.avif")
    assert read.shape == (3, 64, 32)
    assert (read[0, :28] > 180).all()
    assert (read[0, 36:] < 60).all()
