"""Writing clips as RGB-D folders in the Redwood / Open3D layout."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from scenes.clip import Clip
from scenes.clip_checks import check_clip
from scenes.readers.depth_file import MILLIMETRES, NO_READING
from scenes.readers.image_files import write_depth, write_image
from scenes.readers.rgbd.layouts.redwood import CONFIDENCE, FORMAT, GEOMETRY, INTRINSICS
from scenes.readers.rgbd.pinhole import write_pinhole
from scenes.readers.rgbd.trajectories import write_log
from scenes.storage.atomic import new_folder
from scenes.storage.destinations import refuse_existing

_LARGEST = NO_READING - 1  # of 16 bits, that is read as depth


def write_rgbd_folder(
    clip: Clip,
    path: str | Path,
    depth_scale: int | float | None = None,
    provenance: Mapping[str, Any] | None = None,
    provider: str = "",
) -> None:
    """Write a clip as a Redwood / Open3D folder, all or nothing: it appears under its name when it is complete.

    Colour is lossless PNG; depth is rounded to 1 / `depth_scale` metres. Times go to `timestamps.txt`, and `up.txt`
    notes that the world is z-up. The truth of a procedural world is not written.

    A prepared folder has `geometry.json` beside: where lengths are not metric, where there is confidence, where the
    intrinsics change over time (`intrinsics.txt`), and where `provider` or `provenance` say how its geometry was made.

    Args:
        clip: with depth and intrinsics; only a prepared folder may lack poses.
        path: a new folder.
        depth_scale: units of the depth pictures in one metre. By default 1000; for lengths that are not metric as many
            as bring the largest depth to 16 bits.
        provenance: how the geometry was made, as JSON.
        provider: what made it.

    Raises:
        FileExistsError: `path` exists.
        ValueError: the clip lacks depth, intrinsics or poses, or its depth is too large.
    """
    refuse_existing(Path(path))
    if clip.depth is None or clip.intrinsics is None:
        raise ValueError("an RGB-D folder needs a clip with depth, intrinsics and poses")
    check_clip(clip)
    moves = not torch.equal(clip.intrinsics, clip.intrinsics[:1].expand_as(clip.intrinsics))
    prepared = moves or not clip.metric or clip.confidence is not None or provenance is not None or bool(provider)
    if clip.world_T_cam is None and not prepared:
        raise ValueError("an RGB-D folder needs a clip with depth, intrinsics and poses")
    scale = depth_scale or (MILLIMETRES if clip.metric else _fill(clip.depth))
    _check_fits(clip.depth, scale)
    with new_folder(path) as draft:
        (draft / "color").mkdir()
        (draft / "depth").mkdir()
        for i in range(len(clip)):
            write_image(draft / "color" / f"{i:05d}.png", clip.video[i])
            write_depth(draft / "depth" / f"{i:05d}.png", clip.depth[i], scale)
        if clip.world_T_cam is not None:
            write_log(draft / "trajectory.log", clip.world_T_cam)
        if moves:
            _write_intrinsics(draft / INTRINSICS, clip.intrinsics)
        else:
            write_pinhole(draft / "camera.json", clip.intrinsics[0], clip.size)
        (draft / "timestamps.txt").write_text("".join(f"{second:.9g}\n" for second in clip.seconds.tolist()))
        (draft / "up.txt").write_text("z\n")
        if prepared:
            geometry: dict[str, Any] = {
                "format": FORMAT,
                "metric": clip.metric,
                "depth_scale": scale,
                "provider": provider,
            }
            if clip.confidence is not None:
                geometry["confidence_scale"] = _write_confidence(draft / CONFIDENCE, clip.confidence)
            geometry["provenance"] = dict(provenance or {})
            (draft / GEOMETRY).write_text(json.dumps(geometry, indent=2) + "\n")


def _fill(values: Float[Tensor, "*batch"]) -> float:
    """Choose the units in 1 that bring the largest value to 16 bits."""
    largest = float(values.max())
    return _LARGEST / largest if largest > 0 else 1.0


def _check_fits(depth: Float[Tensor, "time height width"], scale: int | float) -> None:
    largest = float(depth.max())
    if round(largest * scale) > _LARGEST:
        raise ValueError(
            f"depth {largest:.1f} m does not fit 16 bits at {scale:g} units a metre (65535 means no reading): use a "
            "lower scale"
        )


def _write_intrinsics(path: Path, intrinsics: Float[Tensor, "time 3 3"]) -> None:
    """Write a line `fx fy cx cy` for each frame: pixels, centres at .5."""
    rows = torch.cat([intrinsics[:, :2, :2].diagonal(dim1=1, dim2=2), intrinsics[:, :2, 2]], 1)
    path.write_text("".join(" ".join(f"{x:.9g}" for x in row) + "\n" for row in rows.tolist()))


def _write_confidence(folder: Path, confidence: Float[Tensor, "time height width"]) -> float:
    """Write 16-bit pictures, and return their units in 1."""
    scale = _fill(confidence)
    folder.mkdir()
    for i, frame in enumerate(confidence):
        write_depth(folder / f"{i:05d}.png", frame, scale)
    return scale
