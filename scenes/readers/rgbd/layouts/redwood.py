"""Redwood / Open3D folders, and those that `region4d prepare` writes: the same, with `geometry.json` beside.

Sources: redwood-data.org, and the RGB-D folders of Open3D's reconstruction system.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from scenes.readers.rgbd.listing import (
    Cameras,
    RgbdListing,
    by_stem,
    list_colour,
    list_depth,
    list_files,
    one_camera,
    pinholes,
)
from scenes.readers.rgbd.pinhole import load_pinhole
from scenes.readers.rgbd.text import numbers, read_json, read_numbers
from scenes.readers.rgbd.times import read_seconds
from scenes.readers.rgbd.trajectories import read_log, read_open3d_json

GEOMETRY, INTRINSICS, CONFIDENCE = "geometry.json", "intrinsics.txt", "confidence"
FORMAT = 1  # of geometry.json
FPS = 30


def is_whole(folder: Path) -> bool:
    """Tell whether a folder has colour, depth, and poses or `geometry.json`."""
    beside = ("trajectory.log", "trajectory.json", GEOMETRY)
    return all((folder / name).is_dir() for name in ("color", "depth")) and any((folder / n).is_file() for n in beside)


def has_part(folder: Path) -> bool:
    """Tell whether a folder has a part of this layout, so that an error can say what is missing."""
    return any((folder / part).exists() for part in ("color", "depth", GEOMETRY))


def list_redwood(folder: Path, fps: int | float | None) -> RgbdListing:
    """List `color/`, `depth/` (millimetres), `trajectory.log` or `trajectory.json`, and one pinhole JSON.

    Frame i is at second i / `fps` (30), unless `timestamps.txt` has a time in seconds for each. A prepared folder has
    `geometry.json`: whether lengths are metric, the units of depth, and those of `confidence/` if it is there; it may
    have `intrinsics.txt` with a line `fx fy cx cy` (pixels, centres at .5) for each frame. Poses may be missing.

    Raises:
        FileNotFoundError: colour or depth is missing.
        ValueError: their counts differ, or colour and depth are of other frames.
    """
    colour, depth = list_colour(folder / "color"), list_depth(folder / "depth")
    prepared = read_json(folder / GEOMETRY) if (folder / GEOMETRY).is_file() else None
    world_T_cam, log = None, ""
    for log, read in (("trajectory.log", read_log), ("trajectory.json", read_open3d_json)):
        if (folder / log).is_file():
            world_T_cam = read(folder / log)
            break
    seconds = torch.arange(len(colour), dtype=torch.float64) / (fps or FPS)
    if (folder / "timestamps.txt").is_file():
        seconds = read_seconds(folder / "timestamps.txt")
    poses = len(colour) if world_T_cam is None else len(world_T_cam)
    if not len(colour) == len(depth) == poses == len(seconds):
        raise ValueError(
            f"{folder} has {len(colour)} colour frames, {len(depth)} depth frames, {poses} poses and "
            f"{len(seconds)} times: every frame needs one of each"
        )
    listing = RgbdListing(
        colour,
        seconds,
        lambda index: _cameras(folder, index, len(colour)),
        depth=pair(colour, depth),
        world_T_cam=world_T_cam,
        poses_from=log,
    )
    return listing if prepared is None else _prepared(folder, listing, prepared)


def pair(colour: Sequence[Path], depth: Sequence[Path]) -> list[Path]:
    """Find the depth of every colour frame by its name: the same stem, else the same first number in it.

    Names with a decimal time (1305031102.175304) pair in order where that is nearest in time.

    Raises:
        ValueError: a colour frame has no depth of its name.
    """
    depth_of = by_stem(depth)
    if by_stem(colour).keys() == depth_of.keys():
        return [depth_of[file.stem] for file in colour]
    if _times_agree(colour, depth):
        return list(depth)
    numbered = {_first_number(file): file for file in depth}
    same = {_first_number(file) for file in colour} == numbered.keys()
    if same and None not in numbered and len(numbered) == len(depth):
        return [numbered[_first_number(file)] for file in colour]
    alone = next((file for file in colour if _first_number(file) not in numbered), colour[0])
    raise ValueError(
        f"{alone} has no depth frame of the same name in {depth[0].parent}: colour and depth are of other frames; "
        "remove what has no partner, and its pose"
    )


def _first_number(file: Path) -> int | None:
    digits = "".join(c if c.isdecimal() else " " for c in file.stem).split()
    return int(digits[0]) if digits else None


def _times_agree(colour: Sequence[Path], depth: Sequence[Path]) -> bool:
    """Whether all names are decimal times, and frames in the same place are nearer than half a frame."""
    try:
        one, other = (torch.tensor([float(f.stem) for f in files], dtype=torch.float64) for files in (colour, depth))
    except ValueError:
        return False
    decimal = all("." in file.stem for file in (*colour, *depth))
    if not decimal or len(one) != len(other) or len(one) < 2:
        return False
    return bool((one - other).abs().max() < one.diff().median() / 2)


def pinhole_cameras(folder: Path, count: int) -> Cameras:
    """Read the one pinhole JSON of a folder as the camera of `count` frames.

    Raises:
        FileNotFoundError: there is not exactly one.
        ValueError: it is malformed.
    """
    files = sorted(
        file
        for file in folder.glob("*.json")
        if file.name not in ("trajectory.json", GEOMETRY) and not file.name.startswith(".")
    )
    if len(files) != 1:
        raise FileNotFoundError(
            f"{folder} has {len(files)} pinhole files (*.json), expected one; or pass the intrinsics (--intrinsics)"
        )
    intrinsics, size = load_pinhole(files[0])
    return one_camera(intrinsics, count, files[0], size)


def _cameras(folder: Path, index: Sequence[int], count: int) -> Cameras:
    if not (folder / INTRINSICS).is_file():
        return pinhole_cameras(folder, len(index))
    rows = read_numbers(folder / INTRINSICS, 4, "a line 'fx fy cx cy' for each frame")
    if len(rows) != count:
        raise ValueError(f"{folder / INTRINSICS} has {len(rows)} lines, expected one for each of {count} frames")
    return Cameras(pinholes(rows[list(index)]), folder / INTRINSICS)


def _prepared(folder: Path, listing: RgbdListing, geometry: dict[str, Any]) -> RgbdListing:
    """Add what `geometry.json` says."""
    path = folder / GEOMETRY
    if geometry.get("format") != FORMAT:
        raise ValueError(f"{path} has format {geometry.get('format')!r}; this version reads format {FORMAT}")
    metric = geometry.get("metric")
    if not isinstance(metric, bool):
        raise ValueError(f"{path} needs 'metric': true or false, got {metric!r}")
    confidence = None
    if (folder / CONFIDENCE).is_dir():
        confidence = pair(listing.colour, list_files(folder / CONFIDENCE, frozenset({".png"})))
    return replace(
        listing,
        metric=metric,
        depth_scale=_units(geometry, "depth_scale", path),
        confidence=confidence,
        confidence_scale=1 if confidence is None else _units(geometry, "confidence_scale", path),
    )


def _units(geometry: dict[str, Any], name: str, path: Path) -> float:
    form = f"{path} needs a positive number '{name}', got {str(geometry.get(name))[:40]!r}"
    scale = numbers(geometry.get(name), form)
    if scale.ndim or not 0 < float(scale) < float("inf"):
        raise ValueError(form)
    return float(scale)
