"""A file with a line of every kind, as a user would write it, with its media beside it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from scenes.readers.rgbd import write_rgbd_folder
from scenes.worlds import WorldConfig, make_world, render
from tests.support.clips.footage import write_footage


def turn(question: str, answer: str) -> dict[str, str]:
    return {"question": question, "answer": answer}


LINES: list[dict[str, Any]] = [
    {
        "id": "image",
        "image": "left.png",
        "depth": {"file": "left_depth.npy", "metric": False, "fov_deg": 55},
        "regions": [{"box": [4, 4, 20, 20]}, {"points": [[40, 30]], "radius": 5}],
        "conversations": [
            [turn("What is <region0>?", "a red box"), turn("And <region1>?", "the wall"), turn("Sure?", "yes")],
            [turn("Is <region1> far away?", "no")],
        ],
        "licence": "CC0",
    },
    {
        "id": "images",
        "images": ["left.png", "large.png"],
        "seconds": [0.0, 2.5],
        "regions": [[{"polygon": [4, 4, 30, 4, 4, 30]}, {"frame": 1, "mask": "large_mask.png"}]],
        "conversations": [[turn("Does <region0> move?", "it does")]],
        "weight": 2,
    },
    {
        "id": "video",
        "video": "clip.mp4",
        "seconds": [0.0, 0.08],
        "regions": [{"frame": 1, "rle": {"size": [64, 96], "counts": [485, 20, 64 * 96 - 505]}}],
        "conversations": [[turn("Where is <region0>?", "on the left")]],
    },
    {
        "id": "room",
        "folder": "room",
        "frames": 3,
        "regions": [{"box": [10, 10, 40, 40], "frame": 2}],
        "conversations": [[turn("How tall is <region0>?", "1.2 m")]],
    },
    {"id": "text", "conversations": [[turn("What is a cube?", "a solid of six squares")]]},
    {
        "id": "prepared",
        "folder": "prepared",
        "indices": [0, 3],
        "regions": [{"mask": "labels.png#3", "frame": 1}],
        "conversations": [[turn("How far is <region0>?", "nearer than the wall")]],
    },
]


@pytest.fixture(scope="session")
def annotated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file, and beside it pictures of two sizes, a depth map, a mask, a video and an RGB-D folder."""
    folder = tmp_path_factory.mktemp("annotated")
    random = np.random.default_rng(0)
    picture = random.integers(0, 256, (48, 64, 3), np.uint8)
    Image.fromarray(picture).save(folder / "left.png")
    Image.fromarray(picture).resize((128, 96)).save(folder / "large.png")
    mask = np.zeros((96, 128), np.uint8)
    mask[10:30, 20:60] = 255
    Image.fromarray(mask).save(folder / "large_mask.png")
    np.save(folder / "left_depth.npy", random.uniform(0.2, 0.9, (48, 64)).astype(np.float32))
    write_footage(folder / "clip.mp4", [0, 40, 80, 120])
    (clip,) = render([make_world(2, WorldConfig(height=48, width=64, frames=4))], "cpu", ())
    write_rgbd_folder(clip, folder / "room")
    write_rgbd_folder(replace(clip, metric=False), folder / "prepared", provenance={}, provider="moge")  # an estimate
    labels = np.zeros((48, 64), np.uint8)
    labels[20:40, 30:50] = 3
    Image.fromarray(labels).save(folder / "labels.png")
    file = folder / "every_kind.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in LINES))
    return file
