"""A folder of one picture with two masks, its depth and its camera, as `region4d prefer` reads it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image

from tests.support.lifting import SeenObject


def write_pictures(folder: Path, seen: SeenObject) -> Path:
    """Write `photo.png` with two masks of one object: all of it, and its upper half."""
    height, width = seen.mask.shape
    for name in ("masks/photo", "depth", "cameras"):
        (folder / name).mkdir(parents=True)
    Image.fromarray(seen.image.permute(1, 2, 0).contiguous().numpy()).save(folder / "photo.png")
    rows = seen.mask.any(1).nonzero()[:, 0]
    half = seen.mask.clone()
    half[int(rows.float().mean()) :] = False
    for name, mask in (("all", seen.mask), ("half", half)):
        Image.fromarray(255 * mask.numpy().astype(np.uint8)).save(folder / "masks" / "photo" / f"{name}.png")
    np.save(folder / "depth" / "photo.npy", seen.points.xyz[..., 2].numpy())
    pinhole = seen.intrinsics.clone()
    pinhole[:2, 2] -= 0.5  # Open3D's centre of the first pixel is 0
    camera = {"width": width, "height": height, "intrinsic_matrix": pinhole.T.flatten().tolist()}
    (folder / "cameras" / "photo.json").write_text(json.dumps(camera))
    return folder
