"""Footage of many frames, against a library that reads the same four frames alone."""

from __future__ import annotations

import json
import os
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from benchmarks.speed.footage import Footage
from region4d.footage import FrameChoice, GeometrySource, open_footage, parse_pointers
from scenes.drawing.regions import draw_answer
from scenes.readers.masks.coco import read_coco
from scenes.readers.masks.mask_folder import read_mask_folder
from tests.support.programs.measured import LINEAR, Within, measured

FRAMES = 4
SIDE = (120, 160)  # rows, columns
CAMERA = {"width": 160, "height": 120, "intrinsic_matrix": [150, 0, 0, 0, 150, 0, 80, 60, 1]}
pytestmark = pytest.mark.long


def answered(path: Path, no_depth: bool = True) -> int:
    """Open four frames with a region and draw an answer."""
    pointers, geometry = parse_pointers(["0:10,10,30,30"], [], []), GeometrySource(no_depth=no_depth)
    footage = open_footage(path, FrameChoice(FRAMES), pointers, geometry)
    draw_answer(footage.clip, footage.regions, "What is <region0> ?", "a cup")
    return len(footage.clip)


def decoded(path: Path) -> int:
    """Read four frames by PyAV."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        step = int(1 / stream.average_rate / stream.time_base)
        frames = []
        for i in range(FRAMES):
            wanted = i * (stream.frames - 1) // (FRAMES - 1) * step
            container.seek(wanted, stream=stream)
            frames.append(next(f for f in container.decode(stream) if f.pts >= wanted).to_ndarray(format="rgb24"))
    return len(frames)


def linked(folder: Path, names: list[str], values: np.ndarray) -> None:
    """Write one picture under many names."""
    folder.mkdir(parents=True)
    Image.fromarray(values).save(folder / names[0])
    for name in names[1:]:
        os.link(folder / names[0], folder / name)


def colour() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (*SIDE, 3), np.uint8)


def write_pictures(folder: Path, count: int) -> None:
    linked(folder, [f"{i:06d}.jpg" for i in range(count)], colour())


def write_redwood(folder: Path, count: int) -> None:
    linked(folder / "color", [f"{i:06d}.jpg" for i in range(count)], colour())
    linked(folder / "depth", [f"{i:06d}.png" for i in range(count)], np.full(SIDE, 1000, np.uint16))
    (folder / "camera.json").write_text(json.dumps(CAMERA))
    poses = (f"{i} {i} {i + 1}\n1 0 0 {i * 1e-4}\n0 1 0 0\n0 0 1 0\n0 0 0 1\n" for i in range(count))
    (folder / "trajectory.log").write_text("".join(poses))


def write_tum(folder: Path, count: int) -> None:
    for kind, late, values in (("rgb", 0, colour()), ("depth", 0.004, np.full(SIDE, 5000, np.uint16))):
        times = [f"{1e9 + i / 30 + late:.6f}" for i in range(count)]
        linked(folder / kind, [f"{time}.png" for time in times], values)
        (folder / f"{kind}.txt").write_text("".join(f"{time} {kind}/{time}.png\n" for time in times))
    (folder / "camera.json").write_text(json.dumps(CAMERA))
    poses = (f"{1e9 + i / 100:.4f} {i * 1e-4} 0 0 0 0 0 1\n" for i in range(4 * count))
    (folder / "groundtruth.txt").write_text("".join(poses))


def masks_of(folder: Path, count: int) -> int:
    return len(read_mask_folder(folder, [f"{i:06d}" for i in range(count)], *SIDE))


def annotated(path: Path) -> int:
    return int(read_coco(path, *SIDE, label=1).sum())


@pytest.mark.parametrize(
    "video",
    [Footage("2 h", 48, 64, 250, 864), Footage("8K", 4320, 7680, 4, 1)],
    ids=lambda video: video.name,
)
def test_a_video_takes_little_more_than_its_four_frames(video: Footage, large: Path, within: Within) -> None:
    path = video.write(large)
    used = measured(answered, path)
    assert used.result == FRAMES
    within(f"video of {video.name}, {video.width} x {video.height} px", used, measured(decoded, path), 2)


@pytest.mark.parametrize("write", [write_pictures, write_redwood, write_tum], ids=["pictures", "Redwood", "TUM"])
def test_time_and_memory_grow_with_the_frames(write, large: Path, within: Within, request) -> None:
    kind = request.node.callspec.id
    used = {}
    for count in (5_000, 50_000):
        write(large / f"{kind}{count}", count)
        used[count] = measured(answered, large / f"{kind}{count}", kind == "pictures")
        assert used[count].result == FRAMES
    within(f"{kind}, 50,000 frames, beside 5,000", used[50_000], used[5_000], LINEAR)


def test_time_and_memory_grow_with_the_masks(large: Path, within: Within) -> None:
    values = np.zeros(SIDE, np.uint8)
    values[10:60, 10:60] = 255
    linked(large / "masks", [f"{i:06d}.png" for i in range(5_000)], values)
    few, many = measured(masks_of, large / "masks", 500), measured(masks_of, large / "masks", 5_000)
    assert many.result == 5_000
    within("5,000 masks, beside 500", many, few, LINEAR)


def test_time_and_memory_grow_with_the_annotations(large: Path, within: Within) -> None:
    used = {}
    for count in (5_000, 50_000):
        path = large / f"{count}.json"
        outlines = ({"id": i + 1, "image_id": 1, "segmentation": [[1, 1, 9, 1, 9, 9, 1, 9] * 5]} for i in range(count))
        images = [{"id": 1, "height": SIDE[0], "width": SIDE[1]}]
        path.write_text(json.dumps({"images": images, "annotations": list(outlines)}))
        used[count] = measured(annotated, path)
    within("50,000 COCO annotations, beside 5,000", used[50_000], used[5_000], LINEAR)
