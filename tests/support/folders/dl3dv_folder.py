"""Small DL3DV folders in the published layout: nerfstudio cameras for the full size, pictures of a quarter of it."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
from PIL import Image

SIZE = (27, 48)  # of the pictures


def opengl_pose(index: int) -> list[list[float]]:
    """Stand at (i, 2, 1.5) and look along -z, turned by 0.1 i about y: OpenGL axes, camera to world."""
    c, s = math.cos(0.1 * index), math.sin(0.1 * index)
    return [[c, 0.0, s, float(index)], [0.0, 1.0, 0.0, 2.0], [-s, 0.0, c, 1.5], [0.0, 0.0, 0.0, 1.0]]


def write_scene(root: Path, subset: str, name: str, length: int, size: tuple[int, int] = SIZE) -> Path:
    """Write a scene; frame i is (i, i, i), its picture frame_0000{i + 1}.png."""
    folder = root / subset / name
    (folder / "images_4").mkdir(parents=True)
    frames = []
    for i in range(length):
        Image.fromarray(np.full((*size, 3), i, np.uint8)).save(folder / "images_4" / f"frame_{i + 1:05d}.png")
        frames.append(
            {"file_path": f"images/frame_{i + 1:05d}.png", "transform_matrix": opengl_pose(i), "colmap_im_id": i + 1}
        )
    cameras = {
        "w": 4 * size[1],
        "h": 4 * size[0],
        "fl_x": 160.0,
        "fl_y": 164.0,
        "cx": 2.0 * size[1] + 2,
        "cy": 2.0 * size[0] - 2,
        "k1": 0.01,
        "k2": -0.01,
        "p1": 0.0,
        "p2": 0.0,
        "camera_model": "OPENCV",
        "frames": frames[::-1],  # in no order that could be relied on
        "applied_transform": [[0.0, 1.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0], [0.0, 0.0, -1.0, 0.0]],
    }
    (folder / "transforms.json").write_text(json.dumps(cameras))
    return folder
