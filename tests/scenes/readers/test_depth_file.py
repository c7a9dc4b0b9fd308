from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from scenes.readers.depth_file import read_depth_file, read_depth_map

METRES = np.array([[0.5, 1.25, 3.0], [2.0, 4.5, 60.0]], np.float32)


def expected() -> torch.Tensor:
    return torch.from_numpy(METRES)


@pytest.mark.parametrize("suffix", ["png", "tif", "pgm"])
def test_integers_of_16_bits_are_millimetres(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"z.{suffix}"
    Image.fromarray((METRES * 1000).astype(np.uint16)).save(path)
    torch.testing.assert_close(read_depth_file(path), expected())
    torch.testing.assert_close(read_depth_file(path, 2000), expected() / 2)


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "tiff_adobe_deflate"])
def test_a_tiff_of_floats_is_metres(tmp_path: Path, compression: str) -> None:
    Image.fromarray(METRES).save(tmp_path / "z.tiff", compression=compression)
    assert torch.equal(read_depth_file(tmp_path / "z.tiff"), expected())


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_arrays_of_floats_are_metres_and_their_holes_are_zero(tmp_path: Path, dtype: type) -> None:
    array = np.concatenate([METRES, [[np.nan, np.inf, -np.inf]], [[-1, 0, 65504]]]).astype(dtype)
    np.save(tmp_path / "z.npy", array)
    depth = read_depth_file(tmp_path / "z.npy")
    torch.testing.assert_close(depth[:2], expected())
    assert (depth[2:] == 0).all()


def test_archives_hold_one_array_or_one_named_depth(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "one.npz", anything=METRES)
    np.savez(tmp_path / "named.npz", mask=METRES > 1, depth=METRES)
    np.savez(tmp_path / "none.npz", a=METRES, b=METRES)
    for name in ("one", "named"):
        assert torch.equal(read_depth_file(tmp_path / f"{name}.npz"), expected())
    with pytest.raises(ValueError, match=r"none.npz has arrays \['a', 'b'\]: need one named 'depth'"):
        read_depth_file(tmp_path / "none.npz")


@pytest.mark.parametrize("channel", ["Z", "Y", "ViewLayer.Depth.Z", "V", "anything"])
def test_exr_is_metres_and_its_background_is_unknown(tmp_path: Path, channel: str) -> None:
    openexr = pytest.importorskip("OpenEXR", reason="needs the extra exr (OpenEXR)")
    pixels = METRES.copy()
    pixels[0, 0] = 1e10  # Blender's background
    header = {"compression": openexr.ZIP_COMPRESSION, "type": openexr.scanlineimage}
    with openexr.File(header, {channel: pixels}) as file:
        file.write(str(tmp_path / "z.exr"))
    depth = read_depth_file(tmp_path / "z.exr")
    assert depth[0, 0] == 0
    assert torch.equal(depth.flatten()[1:], expected().flatten()[1:])


def test_a_damaged_exr_is_one_clear_line(tmp_path: Path) -> None:
    pytest.importorskip("OpenEXR", reason="needs the extra exr (OpenEXR)")
    (tmp_path / "z.exr").write_bytes(b"\x76\x2f\x31\x01" + b"\0" * 50)
    with pytest.raises(ValueError, match=r"z.exr cannot be read"):
        read_depth_file(tmp_path / "z.exr")


def test_rotated_bits_come_back(tmp_path: Path) -> None:
    units = np.array([[1005, 3005], [9000, 8191]], np.uint16)
    Image.fromarray((units << 3) | (units >> 13)).save(tmp_path / "z.png")
    depth = read_depth_map(tmp_path / "z.png", 1000, 1, shifted_bits=True)
    torch.testing.assert_close(depth, torch.tensor([[1.005, 3.005], [9.0, 8.191]]))


def test_rotated_bits_are_not_metres(tmp_path: Path) -> None:
    units = np.array([[1005, 3005, 3005]], np.uint16)
    Image.fromarray(units << 3).save(tmp_path / "z.png")
    with pytest.raises(ValueError, match=r"z.png: .* three zero bits"):
        read_depth_file(tmp_path / "z.png")
    assert read_depth_file(tmp_path / "z.png", 8000)[0].tolist() == pytest.approx([1.005, 3.005, 3.005])


def test_coarse_depth_is_not_taken_for_rotated_bits(tmp_path: Path) -> None:
    Image.fromarray(np.array([[8000, 24000, 24000]], np.uint16)).save(tmp_path / "z.png")
    assert read_depth_file(tmp_path / "z.png")[0].tolist() == [8, 24, 24]


def test_65535_is_no_reading(tmp_path: Path) -> None:
    Image.fromarray(np.array([[65535, 65534, 1000]], np.uint16)).save(tmp_path / "z.png")
    torch.testing.assert_close(read_depth_file(tmp_path / "z.png"), torch.tensor([[0, 65.534, 1]]))


def test_floats_in_millimetres_ask_for_the_scale(tmp_path: Path) -> None:
    """Case 65."""
    np.save(tmp_path / "mm.npy", METRES * 1000)
    with pytest.raises(
        ValueError, match=r"mm.npy: the median depth would be .* outside of 0.05 to 200 m.*--depth-scale"
    ):
        read_depth_file(tmp_path / "mm.npy")
    torch.testing.assert_close(read_depth_file(tmp_path / "mm.npy", 1000), expected())


def test_depth_that_is_unknown_everywhere_has_no_scale(tmp_path: Path) -> None:
    np.save(tmp_path / "z.npy", np.zeros((2, 3), np.float32))
    assert (read_depth_file(tmp_path / "z.npy") == 0).all()


def damaged(path: Path, kind: str) -> Path:
    match kind:
        case "npz named npy":
            np.savez(path / "z.npz", METRES)
            (path / "z.npz").rename(path / "z.npy")
            return path / "z.npy"
        case "huge header":
            np.save(path / "z.npy", METRES)
            data = (path / "z.npy").read_bytes().replace(b"(2, 3), ", b"(9999999999, 99999), ")
            (path / "z.npy").write_bytes(data)
            return path / "z.npy"
        case "pickle":
            np.save(path / "z.npy", np.array([{}]), allow_pickle=True)
            return path / "z.npy"
        case "cut npz":
            np.savez(path / "z.npz", depth=METRES)
            (path / "z.npz").write_bytes((path / "z.npz").read_bytes()[:80])
            return path / "z.npz"
        case "no array in zip":
            with zipfile.ZipFile(path / "z.npz", "w") as file:
                file.writestr("depth.npy", b"hello")
            return path / "z.npz"
        case "text":
            np.save(path / "z.npy", np.array([["a"]]))
            return path / "z.npy"
        case "8 bits":
            Image.fromarray(np.zeros((2, 2), np.uint8)).save(path / "z.png")
            return path / "z.png"
        case "cut picture":
            Image.fromarray(np.zeros((200, 200), np.uint16)).save(path / "z.png")
            (path / "z.png").write_bytes((path / "z.png").read_bytes()[:60])
            return path / "z.png"
    (path / "z.bin").write_bytes(b"64&48&1&short")
    return path / "z.bin"


@pytest.mark.parametrize(
    "kind",
    ["huge header", "pickle", "cut npz", "no array in zip", "text", "8 bits", "cut picture", "colmap", "npz named npy"],
)
def test_a_damaged_file_is_one_clear_line(tmp_path: Path, kind: str) -> None:
    path = damaged(tmp_path, kind)
    if kind == "npz named npy":  # NumPy tells them apart by content
        assert torch.equal(read_depth_file(path), expected())
        return
    with pytest.raises(ValueError, match=path.name) as caught:
        read_depth_file(path)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"nowhere.npy"):
        read_depth_file(tmp_path / "nowhere.npy")


def test_depth_stays_as_it_is_stored_whatever_exif_says(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray((METRES * 1000).astype(np.uint16)).save(tmp_path / "z.png", exif=exif)
    torch.testing.assert_close(read_depth_file(tmp_path / "z.png"), expected())


def test_pages_of_depth_are_not_silently_dropped(tmp_path: Path) -> None:
    pages = [Image.fromarray(METRES * factor) for factor in (1, 2)]
    pages[0].save(tmp_path / "z.tif", save_all=True, append_images=pages[1:])
    with pytest.raises(ValueError, match=r"z.tif holds 2 pages"):
        read_depth_file(tmp_path / "z.tif")


def test_depth_of_too_many_pixels_is_refused_before_it_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scenes.readers.pictures.opening.MAX_PIXELS", 5)
    Image.fromarray(METRES).save(tmp_path / "z.tif")
    with pytest.raises(ValueError, match=r"z.tif has 3x2 pixels; the limit"):
        read_depth_file(tmp_path / "z.tif")
