"""Small CO3Dv2 folders in the published layout: cameras in PyTorch3D's convention look at a plane."""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

PLANE = 5.0  # z of the plane that all frames show, in the world of the first camera
FOCAL, PRINCIPAL = (2.0, 2.1), (0.05, -0.1)
SCALE = 2.5  # scale_adjustment
Box = tuple[int, int, int, int]


def write_category(
    root: Path,
    category: str,
    lengths: dict[str, int],
    size: tuple[int, int] = (30, 40),
    box: Callable[[int], Box] = lambda _: (10, 5, 30, 25),
) -> Path:
    """Write sequences of `lengths` frames; frame i is (10 i, 10 i, 10 i), its mask 200 in `box(i)`, else 0.

    The last column of each depth map is not reliable, its first pixel infinite.
    """
    folder, frames = root / category, []
    for sequence, length in lengths.items():
        for part in ("images", "masks", "depths", "depth_masks"):
            (folder / sequence / part).mkdir(parents=True, exist_ok=True)
        frames += [_write_frame(root, f"{category}/{sequence}", i, size, box(i)) for i in range(length)]
    sequences = [
        {"sequence_name": name, "category": category, "viewpoint_quality_score": 1.5} for name in sorted(lengths)
    ]
    write_jgz(folder / "frame_annotations.jgz", frames[::-1])  # in no order that could be relied on
    write_jgz(folder / "sequence_annotations.jgz", sequences)
    (folder / "set_lists").mkdir(exist_ok=True)
    first = min(lengths)
    rows = [[first, 0, f"{category}/{first}/images/frame000001.jpg"]]
    (folder / "set_lists" / "set_lists_fewview_dev.json").write_text(json.dumps({"train": rows, "val": [], "test": []}))
    return folder


def write_jgz(path: Path, entries: Any) -> None:
    path.write_bytes(gzip.compress(json.dumps(entries).encode()))


def read_jgz(path: Path) -> Any:
    return json.loads(gzip.decompress(path.read_bytes()))


def viewpoint(index: int) -> tuple[Tensor, Tensor]:
    """Give R and T of a frame; those of frame 0 are the identity and 0."""
    turn, tilt = 0.1 * index, -0.05 * index
    about_y = torch.tensor(
        [[math.cos(turn), 0, -math.sin(turn)], [0, 1, 0], [math.sin(turn), 0, math.cos(turn)]], dtype=torch.float64
    )
    about_x = torch.tensor(
        [[1, 0, 0], [0, math.cos(tilt), math.sin(tilt)], [0, -math.sin(tilt), math.cos(tilt)]], dtype=torch.float64
    )
    return about_y @ about_x, torch.tensor([0.3, -0.2, 0.1], dtype=torch.float64) * index


def plane_depth(index: int, size: tuple[int, int]) -> Tensor:
    """Meet the ray of each pixel with the plane, all in PyTorch3D's axes: x left, y up, z forward."""
    rotation, translation = viewpoint(index)
    height, width = size
    unit = min(size) / 2
    v, u = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
    x = ((width / 2 - u) / unit - PRINCIPAL[0]) / FOCAL[0]
    y = ((height / 2 - v) / unit - PRINCIPAL[1]) / FOCAL[1]
    ray = torch.stack([x, y, torch.ones_like(x)], -1).double()
    # X_world = (d ray - T) R^T, and its z is that of the plane
    return (PLANE + (translation @ rotation.T)[2]) / (ray @ rotation.T)[..., 2]


def _write_frame(root: Path, folder: str, index: int, size: tuple[int, int], box: Box) -> dict[str, Any]:
    name = f"frame{index + 1:06d}"
    rotation, translation = viewpoint(index)
    Image.fromarray(np.full((*size, 3), 10 * index % 250, np.uint8)).save(root / folder / "images" / f"{name}.jpg")
    left, top, right, bottom = box
    mask = np.zeros(size, np.uint8)
    mask[top:bottom, left:right] = 200
    Image.fromarray(mask).save(root / folder / "masks" / f"{name}.png")
    depth = (plane_depth(index, size).numpy() / SCALE).astype(np.float16)
    depth[0, 0] = np.inf
    Image.fromarray(depth.view(np.uint16)).save(root / folder / "depths" / f"{name}.jpg.geometric.png")
    reliable = np.ones(size, bool)
    reliable[:, -1] = False
    Image.fromarray(reliable).save(root / folder / "depth_masks" / f"{name}.png")  # one bit a pixel
    return {
        "sequence_name": folder.split("/")[1],
        "frame_number": index,
        "frame_timestamp": -1.0,
        "image": {"path": f"{folder}/images/{name}.jpg", "size": list(size)},
        "depth": {
            "path": f"{folder}/depths/{name}.jpg.geometric.png",
            "scale_adjustment": SCALE,
            "mask_path": f"{folder}/depth_masks/{name}.png",
        },
        "mask": {"path": f"{folder}/masks/{name}.png", "mass": float(mask.sum() / 255)},
        "viewpoint": {
            "R": rotation.tolist(),
            "T": translation.tolist(),
            "focal_length": list(FOCAL),
            "principal_point": list(PRINCIPAL),
            "intrinsics_format": "ndc_isotropic",
        },
        "meta": {"frame_type": "dev_known"},
    }
