"""Masks of every kind mark the pixels that their tool meant, or say what is unclear."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageFilter
from torch import Tensor

from scenes.readers.masks.mask_file import read_mask

HEIGHT, WIDTH = 120, 160
INDEX = np.zeros((HEIGHT, WIDTH), np.uint8)
INDEX[10:50, 10:60] = 1
INDEX[60:100, 90:140] = 2
FIRST, SECOND = torch.from_numpy(INDEX == 1), torch.from_numpy(INDEX == 2)  # 2,000 pixels each


def save(path: Path, values: np.ndarray, mode: str | None = None, **options: object) -> Path:
    Image.fromarray(values, mode).save(path, **options)
    return path


def read(path: Path, label: int | None = None) -> Tensor:
    return read_mask(path, HEIGHT, WIDTH, label)


def palette(path: Path, index: np.ndarray, colours: list[int], **options: object) -> Path:
    image = Image.fromarray(index, "P")
    image.putpalette(colours)
    image.save(path, **options)
    return path


def circle(blur: float = 0.0, scale: int = 1) -> np.ndarray:
    """A disc, drawn larger and averaged down, or blurred."""
    image = Image.new("L", (WIDTH * scale, HEIGHT * scale))
    ImageDraw.Draw(image).ellipse([40 * scale, 20 * scale, 120 * scale, 100 * scale], fill=255)
    return np.array(image.resize((WIDTH, HEIGHT), Image.Resampling.BOX).filter(ImageFilter.GaussianBlur(blur)))


@pytest.mark.parametrize("inside", [1, 255, 128, 7])
def test_one_value_beside_0_is_the_object(tmp_path: Path, inside: int) -> None:
    assert torch.equal(read(save(tmp_path / "m.png", (INDEX == 1).astype(np.uint8) * inside)), FIRST)


def test_a_mask_of_1_bit_or_16_bits_is_read(tmp_path: Path) -> None:
    Image.fromarray(INDEX == 1).save(tmp_path / "bit.png")
    assert torch.equal(read(tmp_path / "bit.png"), FIRST)
    assert torch.equal(read(save(tmp_path / "deep.png", (INDEX == 1).astype(np.uint16) * 65535)), FIRST)


def test_the_alpha_of_a_photo_is_its_mask(tmp_path: Path) -> None:
    photo = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    rgba = np.dstack([photo, np.where(INDEX == 1, 255, 0).astype(np.uint8)])
    assert torch.equal(read(save(tmp_path / "0.png", rgba, "RGBA")), FIRST)
    assert torch.equal(read(save(tmp_path / "la.png", rgba[..., 2:], "LA")), FIRST)


def test_alpha_that_is_everywhere_the_same_is_no_mask(tmp_path: Path) -> None:
    white = np.where(INDEX[..., None] == 1, 255, 0).astype(np.uint8).repeat(3, -1)
    rgba = np.dstack([white, np.full((HEIGHT, WIDTH), 255, np.uint8)])
    assert torch.equal(read(save(tmp_path / "m.png", rgba, "RGBA")), FIRST)


def test_a_mask_by_colour_and_by_alpha_that_disagree_is_refused(tmp_path: Path) -> None:
    white = np.where(INDEX[..., None] == 1, 255, 0).astype(np.uint8).repeat(3, -1)
    rgba = np.dstack([white, np.where(INDEX > 0, 255, 0).astype(np.uint8)])
    with pytest.raises(ValueError, match=r"m\.png' marks pixels twice"):
        read(save(tmp_path / "m.png", rgba, "RGBA"))


DAVIS = [0, 0, 0, 128, 0, 0, 0, 128, 0] + [0] * 759


def test_a_palette_of_several_objects_needs_a_label(tmp_path: Path) -> None:
    path = palette(tmp_path / "davis.png", INDEX, DAVIS)
    with pytest.raises(ValueError, match=r"davis\.png' holds 2 objects, labels 1, 2; choose one, as in davis\.png#1"):
        read(path)
    assert torch.equal(read(path, 1), FIRST)
    assert torch.equal(read(path, 2), SECOND)
    with pytest.raises(ValueError, match="labels 1, 2; label 3 is not there"):
        read(path, 3)


def test_a_palette_of_one_object_needs_none(tmp_path: Path) -> None:
    assert torch.equal(read(palette(tmp_path / "m.png", INDEX * (INDEX == 2), DAVIS)), SECOND)


def test_the_label_of_a_palette_is_its_index_even_where_its_colour_is_grey(tmp_path: Path) -> None:
    colours = [0, 0, 0, 128, 0, 0] + [0] * 15 + [128, 128, 128] + [0] * 744  # DAVIS: object 7 is grey
    path = palette(tmp_path / "m.png", np.where(INDEX == 1, 7, 0).astype(np.uint8), colours)
    assert torch.equal(read(path, 7), FIRST)


def test_a_palette_of_white_and_black_is_read_by_its_shades(tmp_path: Path) -> None:
    path = palette(tmp_path / "m.png", (INDEX != 1).astype(np.uint8), [255, 255, 255, 0, 0, 0])
    assert torch.equal(read(path), FIRST)


def test_transparent_indices_are_outside(tmp_path: Path) -> None:
    path = palette(tmp_path / "m.png", INDEX, DAVIS, transparency=bytes([0, 255, 0]))
    assert torch.equal(read(path), FIRST)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.int32, np.float32])
def test_an_index_mask_needs_a_label(tmp_path: Path, kind: type) -> None:
    path = save(tmp_path / ("m.png" if kind in (np.uint8, np.uint16) else "m.tif"), INDEX.astype(kind))
    with pytest.raises(ValueError, match="holds 2 objects, labels 1, 2; choose one"):
        read(path)
    assert torch.equal(read(path, 2), SECOND)


def test_instance_ids_beyond_255_are_labels(tmp_path: Path) -> None:
    path = save(tmp_path / "m.png", np.choose(INDEX, [0, 1001, 26001]).astype(np.uint16))
    with pytest.raises(ValueError, match="labels 1001, 26001"):
        read(path)
    assert torch.equal(read(path, 26001), SECOND)


def test_the_void_border_of_pascal_voc_is_not_taken_for_white(tmp_path: Path) -> None:
    values = np.where(INDEX == 1, 15, 0).astype(np.uint8)
    values[5:10, 5:65] = 255
    with pytest.raises(ValueError, match="labels 15, 255"):
        read(save(tmp_path / "m.png", values))


@pytest.mark.parametrize("quality", [30, 60, 90, 100])
def test_a_jpeg_is_inside_from_half_on(tmp_path: Path, quality: int) -> None:
    path = save(tmp_path / "m.jpg", np.where(INDEX == 1, 255, 0).astype(np.uint8), quality=quality)
    assert torch.equal(read(path), FIRST)


@pytest.mark.parametrize("suffix", ["webp", "avif"])
def test_other_lossy_formats_are_inside_from_half_on(tmp_path: Path, suffix: str) -> None:
    path = save(tmp_path / f"m.{suffix}", np.where(INDEX == 1, 255, 0).astype(np.uint8), quality=60)
    assert (read(path) ^ FIRST).sum() < 20


@pytest.mark.parametrize("quality", [30, 60, 75, 90, 95])
def test_a_jpeg_that_was_saved_again_as_png_is_inside_from_half_on(tmp_path: Path, quality: int) -> None:
    save(tmp_path / "m.jpg", circle(scale=1), quality=quality)
    values = np.array(Image.open(tmp_path / "m.jpg"))
    mask = read(save(tmp_path / "m.png", values))
    assert np.array_equal(mask.numpy(), values >= 128)


@pytest.mark.parametrize(("blur", "scale"), [(0, 2), (0, 4), (1, 1), (3, 1), (8, 1)])
def test_a_soft_edge_is_inside_from_half_on(tmp_path: Path, blur: float, scale: int) -> None:
    values = circle(blur, scale)
    assert len(np.unique(values)) > 2
    assert np.array_equal(read(save(tmp_path / "m.png", values)).numpy(), values >= 128)
    rgb = np.repeat(values[..., None], 3, -1)
    assert np.array_equal(read(save(tmp_path / "rgb.png", rgb)).numpy(), values >= 128)
    deep = values.astype(np.uint16) * 257
    assert np.array_equal(read(save(tmp_path / "deep.png", deep)).numpy(), values >= 128)


def test_a_probability_is_inside_from_half_on(tmp_path: Path) -> None:
    ramp = np.tile(np.linspace(0, 255, WIDTH), (HEIGHT, 1)).astype(np.uint8)
    assert np.array_equal(read(save(tmp_path / "m.png", ramp)).numpy(), ramp >= 128)
    assert torch.equal(read(save(tmp_path / "prob.tif", ((INDEX == 1) * 0.9).astype(np.float32))), FIRST)
    assert torch.equal(read(save(tmp_path / "low.tif", (np.choose(INDEX, [0, 0.5, 0.49])).astype(np.float32))), FIRST)


@pytest.mark.parametrize("worst", [-8.0, 1.5, float("nan"), float("inf")])
def test_floats_that_are_no_probabilities_are_refused(tmp_path: Path, worst: float) -> None:
    values = (INDEX == 1).astype(np.float32)
    values[0, 0] = worst
    with pytest.raises(ValueError, match=r"m\.tif' holds floats .* needs probabilities from 0 to 1"):
        read(save(tmp_path / "m.tif", values))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("objects", [3, 40, 200])
def test_many_labels_are_never_taken_for_shades(tmp_path: Path, seed: int, objects: int) -> None:
    random = np.random.default_rng(seed)
    values = np.zeros((HEIGHT, WIDTH), np.uint8)
    labels = random.choice(np.arange(1, 256), objects, replace=False)
    for label in labels:
        y, x, size = random.integers(0, HEIGHT - 8), random.integers(0, WIDTH - 8), random.integers(2, 12)
        values[y : y + size, x : x + size] = label
    with pytest.raises(ValueError, match="objects, labels"):
        read(save(tmp_path / "m.png", values))


def test_colours_of_several_objects_are_refused_and_one_is_read(tmp_path: Path) -> None:
    colours = np.array([[0, 0, 0], [200, 30, 30], [30, 30, 200]], np.uint8)
    with pytest.raises(ValueError, match="2 colours beside black, #1e1ec8, #c81e1e"):
        read(save(tmp_path / "m.png", colours[INDEX]))
    assert torch.equal(read(save(tmp_path / "one.png", colours[INDEX * (INDEX == 2)])), SECOND)


def test_another_size_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"'.*m.png' is 80x60, expected 160x120"):
        read(save(tmp_path / "m.png", INDEX[::2, ::2]))
    with pytest.raises(ValueError, match="is 120x160, expected 160x120; turn it as the picture is turned"):
        read(save(tmp_path / "m.png", (INDEX == 1).T.astype(np.uint8).copy()))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["grey", "alpha", "palette"])
def test_a_mask_is_turned_by_its_own_exif(tmp_path: Path, orientation: int, kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    back = {
        1: lambda x: x,
        2: lambda x: x[:, ::-1],
        3: lambda x: x[::-1, ::-1],
        4: lambda x: x[::-1],
        5: lambda x: x.T,
        6: lambda x: np.rot90(x, 1),
        7: lambda x: x[::-1, ::-1].T,
        8: lambda x: np.rot90(x, -1),
    }
    stored = np.ascontiguousarray(back[orientation](INDEX))
    path = tmp_path / "m.png"
    if kind == "grey":
        save(path, (stored == 1).astype(np.uint8) * 255, exif=exif)
    elif kind == "alpha":
        photo = np.random.default_rng(0).integers(0, 256, (*stored.shape, 3), np.uint8)
        save(path, np.dstack([photo, np.where(stored == 1, 255, 0).astype(np.uint8)]), "RGBA", exif=exif)
    else:
        palette(path, stored, DAVIS, exif=exif)
    assert torch.equal(read(path, 1 if kind == "palette" else None), FIRST)


def test_a_missing_mask_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no mask picture '.*none.png'"):
        read(tmp_path / "none.png")
