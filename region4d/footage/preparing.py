"""Footage prepared once: its frames and their geometry, written as an RGB-D folder that everything else reads."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from models.geometry import PointMap
from models.providers import GeometryEstimate, GeometryProvider
from region4d.footage.geometry import GeometrySource, Located, locate
from region4d.footage.marked_clip import FrameChoice, read_frames
from scenes.drawing.points import draw_points
from scenes.drawing.regions import check_picture, save_picture
from scenes.readers.rgbd import write_rgbd_folder
from scenes.storage.atomic import new_file
from scenes.storage.locks import sole_maker

CHUNK = 8  # frames that a model of single frames estimates, and stores, at once


def prepare_footage(
    source: Path,
    output: Path,
    frames: FrameChoice,
    geometry: GeometrySource,
    advance: Callable[[int, int], None] = lambda done, total: None,
    picture: Path | None = None,
) -> Located:
    """Read frames, estimate their geometry, and write both to the new folder `output`, all or nothing.

    What a model of single frames has estimated is kept in `output`.partial as it goes, so that the same command
    continues after an interruption. A model that takes all frames at once starts again.

    Args:
        source: a video, a picture, a folder of pictures or an RGB-D folder.
        output: a new folder.
        frames: which frames.
        geometry: where depth, camera and poses come from; a provider, or the footage itself.
        advance: is called with how many frames of how many are finished.
        picture: where to draw the points of four frames.

    Raises:
        FileExistsError: `output` exists.
        FileNotFoundError: a file or checkpoint does not exist.
        ValueError: a file or flag cannot be used, the footage has no depth and no provider estimates it, or it has no
            poses for a picture.
    """
    if picture is not None:
        check_picture(picture)
    with sole_maker(output):
        located, drawn = _prepare(source, output, frames, geometry, advance, picture is not None)
    if drawn is not None and picture is not None:
        save_picture(drawn, picture)
    return located


def _prepare(
    source: Path,
    output: Path,
    frames: FrameChoice,
    geometry: GeometrySource,
    advance: Callable[[int, int], None],
    draws: bool,
) -> tuple[Located, Image.Image | None]:
    clip = read_frames(source, frames, geometry)
    settings = {"source": _identity(source), "frames": asdict(frames), "geometry": _settings(geometry)}
    partial = output.with_name(f"{output.name}.partial")
    provider = geometry.provider()
    if provider is not None and not provider.joins_frames:
        provider = Resumable(provider, partial, settings, advance)
    located = locate(clip, geometry, provider)
    if located.clip.depth is None:
        raise ValueError(f"{source} has no depth; estimate its geometry by --geometry NAME")
    drawn = draw_points(located.clip) if draws else None
    provenance = {**settings, "camera": located.camera, "region4d": version("region4d")}
    write_rgbd_folder(located.clip, output, provenance=provenance, provider=str(located.depth))
    shutil.rmtree(partial, ignore_errors=True)
    return located, drawn


class Resumable:
    """A provider of single frames that stores its estimates in a folder, and takes those that it finds there."""

    joins_frames = False

    def __init__(
        self,
        provider: GeometryProvider,
        folder: Path,
        settings: dict[str, Any],
        advance: Callable[[int, int], None],
    ) -> None:
        self.provider, self.folder, self.advance = provider, folder, advance
        self.key = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]

    def __call__(
        self, video: torch.Tensor, intrinsics: torch.Tensor | None = None, depth: torch.Tensor | None = None
    ) -> GeometryEstimate:
        """Estimate the geometry of all frames, chunk by chunk."""
        parts = []
        for start in range(0, len(video), CHUNK):
            part = slice(start, start + CHUNK)
            file = self.folder / f"{self.key}-{start:06d}.safetensors"
            if not file.is_file():
                given = [None if known is None else known[part] for known in (intrinsics, depth)]
                _store(file, self.provider(video[part], *given))
            parts.append(load_file(file))
            self.advance(min(start + CHUNK, len(video)), len(video))
        joined = {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
        return GeometryEstimate(
            PointMap(joined["xyz"], joined["valid"], "cam"),
            joined["intrinsics"],
            metric=bool(joined["metric"].all()),
            confidence=joined.get("confidence"),
        )


def _store(file: Path, estimate: GeometryEstimate) -> None:
    arrays = {
        "xyz": estimate.points.xyz,
        "valid": estimate.points.valid,
        "intrinsics": estimate.intrinsics,
        "metric": torch.tensor([estimate.metric]),
        "confidence": estimate.confidence,
    }
    with new_file(file) as draft:
        save_file({name: array.contiguous() for name, array in arrays.items() if array is not None}, draft)


def _identity(source: Path) -> dict[str, Any]:
    """Describe a file or folder so that another one under its name is noticed."""
    status = source.stat()
    return {"path": str(source), "bytes": status.st_size, "modified": status.st_mtime}


def _settings(geometry: GeometrySource) -> dict[str, Any]:
    flags = {name: value for name, value in asdict(geometry).items() if name != "device"}
    return {name: str(value) for name, value in flags.items() if value is not None and value is not False}
