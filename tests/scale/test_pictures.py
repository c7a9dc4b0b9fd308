"""Pictures of answers about large and thin frames, against Pillow, which opens the frames alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from region4d.footage import FrameChoice, GeometrySource, open_footage, parse_pointers
from scenes.drawing.regions import draw_answer
from tests.support.programs.measured import LINEAR, Used, Within, measured

THIN = [(4000, 2), (2, 4000), (1, 3000), (2000, 1), (20000, 8), (5000, 20)]
LARGE = [(4000, 3000), (12000, 9000)]
LONGEST = 2500  # pixels of a picture of an answer, with its caption


def answered(path: Path, frames: int, boxes: list[str]) -> tuple[int, int]:
    """Open footage with its regions and draw an answer; returns the size of the picture."""
    footage = open_footage(path, FrameChoice(frames), parse_pointers(boxes, [], []), GeometrySource(no_depth=True))
    return draw_answer(footage.clip, footage.regions, "What is <region0> ?", "a cup").size


def opened(path: Path) -> tuple[int, ...]:
    Image.MAX_IMAGE_PIXELS = None
    with Image.open(path) as image:
        return np.array(image.convert("RGB")).shape


def written(folder: Path, width: int, height: int) -> Path:
    path = folder / f"{width}x{height}.png"
    coarse = np.random.default_rng(0).integers(0, 256, (1 + height // 64, 1 + width // 64, 3), np.uint8)
    Image.fromarray(coarse).resize((width, height)).save(path, compress_level=1)
    return path


@pytest.mark.parametrize("size", [*THIN, *(pytest.param(size, marks=pytest.mark.long) for size in LARGE)])
def test_a_picture_of_an_answer_takes_little_more_than_its_frame(
    size: tuple[int, int], large: Path, within: Within
) -> None:
    path = written(large, *size)
    half = f"0:0,0,{max(1, size[0] // 2)},{max(1, size[1] // 2)}"
    used = measured(answered, path, 1, [half])
    assert max(used.result) <= LONGEST
    within(f"{size[0]} x {size[1]} px", used, measured(opened, path), 2)


@pytest.mark.long
def test_time_and_memory_grow_with_the_regions(large: Path, within: Within) -> None:
    def of(count: int) -> Used:
        boxes = [f"{i}:{i % 80 * 7},{i // 80 * 60},{i % 80 * 7 + 60},{i // 80 * 60 + 50}" for i in range(count)]
        return measured(answered, path, 1, boxes)

    path = written(large, 640, 480)
    within("500 regions, beside 50", of(500), of(50), LINEAR)
