"""A file of lines that a teacher of four frames takes and of lines that it does not, with their media."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from scenes.readers.rgbd import write_rgbd_folder
from scenes.worlds import make_world, render
from tests.support.clips.footage import write_footage
from tests.support.distillation import FRAMES, WORLD

TALK = [[{"question": "What is it?", "answer": "a red box"}]]
ABOUT = [[{"question": "What is <region0>?", "answer": "a cube"}]]
LINES: list[dict[str, Any]] = [
    {"video": "clip.mp4", "conversations": TALK},
    {"conversations": TALK},
    {"images": [f"{k}.png" for k in range(FRAMES)], "regions": [{"box": [2, 2, 20, 20]}], "conversations": ABOUT},
    {"image": "0.png", "conversations": TALK},
    {"video": "clip.mp4", "seconds": [0.0, 0.08], "conversations": TALK},
    {"folder": "room", "geometry": False, "conversations": TALK},
    {"video": "short.mp4", "conversations": TALK},
    {"video": "clip.mp4", "conversations": ABOUT, "regions": [{"box": [8, 8, 40, 40], "frame": 1}]},
]
TAUGHT = (0, 2, 5, 7)  # of which the first and the last show the same


@pytest.fixture
def annotated(tmp_path: Path) -> Path:
    """The file; it may be changed."""
    folder = tmp_path / "media"
    folder.mkdir()
    write_footage(folder / "clip.mp4", range(0, 320, 40))
    write_footage(folder / "short.mp4", [0, 40])
    random = np.random.default_rng(0)
    for k in range(FRAMES):
        Image.fromarray(random.integers(0, 256, (32, 48, 3), np.uint8)).save(folder / f"{k}.png")
    (room,) = render([make_world(2, WORLD)], "cpu", ())
    write_rgbd_folder(room, folder / "room")
    file = folder / "lines.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in LINES))
    return file
