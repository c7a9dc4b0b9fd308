"""Run-length codes as pycocotools 2.0 writes them, and polygons."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from scenes.readers.masks.coco import decode_counts, draw_segmentation, encode_mask, fill_polygon
from scenes.readers.masks.mask_file import read_mask

SMALL = np.zeros((6, 8), bool)
SMALL[1:4, 2:5] = True
SMALL[4, 4] = True
SMALL_CODE = {"size": [6, 8], "counts": "=33001`0"}  # pycocotools.mask.encode
WIDER = {"id": 1, "width": 9, "height": 6}
RING = np.zeros((60, 80), bool)
RING[10:40, 12:70] = True
RING[20:25, 30:33] = False
RING[11, 12:70] = False
RING_COUNTS = (
    "jf011k0m0UOSOk0m0UOSOk0m0UOSOk0m0UOSOk0m0UOSOk0m0UOSOk0m0UOSOk0m0UOSOk0m0UOSOk0m0UOSOk0m0U"
    "OSOk0m0UOSOk0m0UOSOk0m0UOSOk0m0UOSOk0m0UOSOk0m0UOSOk0m0UOSO747i0BSO747i0BSO747i0BSOk0m0UOS"
    "Ok0m0UOSOk0m0UOSOk0m0UOSOk0m0UOSOk0m0UOSOk0m0UOSOk0m0UOSOk0m0UOSOk0m0UOSOk0m0UOSOk0m0UOSOk"
    "0m0UOSOk0m0UOSOk0m0UOSOk0m0UOSOk0m0UOSOk0m0UOSOk0m0UOSOk0m0UOSOk0m0UOSOk0m0UOSOk0m0UOSOk0m"
    "0UOSOk0m0UOSOk0m0UOSOk0m0UOSOk0m0UOSOk0m0UOSOk0m0UOSOk0m0UOSOk0m0UOSOk0m0UOSOk0m0UOSOk0m0U"
    "OSOk0m0UOSOk0[c0"
)


def write(path: Path, content: Any) -> Path:
    path.write_text(json.dumps(content))
    return path


def read(path: Path, size: tuple[int, int] = (6, 8), label: int | None = None) -> Tensor:
    return read_mask(path, *size, label)


def test_a_compressed_code_is_decoded(tmp_path: Path) -> None:
    assert decode_counts(SMALL_CODE["counts"]) == [13, 3, 3, 3, 3, 4, 19]
    assert torch.equal(read(write(tmp_path / "m.json", SMALL_CODE)), torch.from_numpy(SMALL))
    ring = read(write(tmp_path / "r.json", {"size": [60, 80], "counts": RING_COUNTS}), (60, 80))
    assert torch.equal(ring, torch.from_numpy(RING))


def test_a_plain_code_is_decoded(tmp_path: Path) -> None:
    code = {"size": [6, 8], "counts": [13, 3, 3, 3, 3, 4, 19]}
    assert torch.equal(read(write(tmp_path / "m.json", {"segmentation": code})), torch.from_numpy(SMALL))


@pytest.mark.parametrize(
    "content",
    [
        [{"segmentation": SMALL_CODE, "area": 10}],
        {"image": {"width": 8, "height": 6}, "annotations": [{"id": 5, "segmentation": SMALL_CODE}]},  # SAM
        {"images": [{"id": 1, "width": 8, "height": 6}], "annotations": [{"image_id": 1, "segmentation": SMALL_CODE}]},
        [SMALL_CODE],
    ],
)
def test_each_layout_of_one_annotation_is_read(tmp_path: Path, content: Any) -> None:
    assert torch.equal(read(write(tmp_path / "m.json", content)), torch.from_numpy(SMALL))


def test_several_annotations_need_a_choice(tmp_path: Path) -> None:
    other = {"id": 9, "segmentation": [[0, 0, 2, 0, 2, 2, 0, 2]]}
    path = write(tmp_path / "m.json", {"annotations": [{"id": 4, "segmentation": SMALL_CODE}, other]})
    with pytest.raises(ValueError, match=r"m\.json' holds 2 annotations, 4, 9; choose one, as in m\.json#4"):
        read(path)
    assert torch.equal(read(path, label=4), torch.from_numpy(SMALL))
    assert read(path, label=9).nonzero().tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]
    with pytest.raises(ValueError, match="has annotations 4, 9; 1 is not there"):
        read(path, label=1)


def test_polygons_mark_the_pixels_whose_centres_they_hold(tmp_path: Path) -> None:
    square = [1, 1, 4, 1, 4, 5, 1, 5]
    path = write(tmp_path / "m.json", {"segmentation": [square, [6, 0, 8, 0, 8, 2, 6, 2]]})
    expected = torch.zeros(6, 8, dtype=torch.bool)
    expected[1:5, 1:4] = True
    expected[0:2, 6:8] = True
    assert torch.equal(read(path), expected)
    assert torch.equal(read(write(tmp_path / "one.json", square)), expected & (torch.arange(8) < 5))


def test_a_polygon_may_leave_the_image_and_be_concave() -> None:
    u, v = np.meshgrid(np.arange(30) + 0.5, np.arange(20) + 0.5)
    disc = [(15 + 12 * np.cos(t), 10 + 12 * np.sin(t)) for t in np.linspace(0, 2 * np.pi, 400)]
    filled = fill_polygon(np.array(disc), 20, 30)
    assert (filled ^ ((u - 15) ** 2 + (v - 10) ** 2 <= 144)).sum() <= 2
    horseshoe = np.array([(0, 0), (30, 0), (30, 20), (20, 20), (20, 10), (10, 10), (10, 20), (0, 20)], float)
    assert fill_polygon(horseshoe, 20, 30).sum() == 600 - 100


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"size": [6, 9], "counts": "=33001`0"}, "is 9x6, expected 8x6"),
        ({"size": [6, 8], "counts": "=3300"}, "covers 25 pixels, its size 6x8 has 48"),
        ({"size": [6, 8], "counts": "=33001`"}, "ends within a number"),
        ({"size": [6, 8], "counts": "=3 3"}, "character ' '"),
        ({"size": [6, 8], "counts": [-1, 49]}, "run-length code covers"),
        ({"segmentation": [[1, 1, 4, 1]]}, "three corners or more"),
        ({"segmentation": [[1, 1, 4, 1, float("nan"), 2]]}, "three corners or more"),
        ({"segmentation": [[1, 1, 4, 1, 2]]}, "three corners or more"),
        ({"annotations": []}, "holds no annotations"),
        ({"shapes": []}, "is not COCO"),
        ({"segmentation": []}, "is not COCO"),
        ([], "is not COCO"),
        (3, "is not COCO"),
        ({"images": [WIDER], "annotations": [{"image_id": 1, "segmentation": [[1, 1, 4, 1, 4, 5]]}]}, "is 9x6"),
    ],
)  # fmt: skip
def test_what_is_not_coco_is_refused(tmp_path: Path, content: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        read(write(tmp_path / "m.json", content))
    assert "m.json" in str(caught.value)


@pytest.mark.parametrize("text", ["", "[" * 100_000, "{'a': 1}"])
def test_what_is_not_json_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "m.json").write_text(text)
    with pytest.raises(ValueError, match=r"m\.json' is not JSON"):
        read(tmp_path / "m.json")


@given(st.integers(1, 6), st.integers(1, 7), st.integers(0, 1000))
def test_a_mask_comes_back_from_its_code(height: int, width: int, seed: int) -> None:
    mask = np.random.default_rng(seed).random((height, width)) < 0.5
    code = encode_mask(mask)
    assert code["size"] == [height, width]
    assert 0 not in code["counts"][1:]
    assert np.array_equal(draw_segmentation(code, height, width), mask)
