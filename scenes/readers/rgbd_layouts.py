"""What an RGB-D folder holds, frame by frame, in the Redwood / Open3D and the TUM layout."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from scenes.readers.image_files import list_images
from scenes.readers.trajectory import read_log, read_open3d_json, read_table, read_tum

TUM_MAX_GAP = 0.02  # seconds between a colour frame and its depth or pose, as in the TUM association script


@dataclass(frozen=True)
class RgbdListing:
    """The frames of an RGB-D folder, before any picture is read; `depth_scale` is units a metre, `seconds` from 0."""

    colour: list[Path]
    depth: list[Path]
    seconds: Float[Tensor, "time"]
    world_T_cam: Float[Tensor, "time 4 4"]
    depth_scale: int


def list_redwood(folder: Path, fps: int | float) -> RgbdListing:
    """List `color/`, `depth/` (millimetres), `trajectory.log` or `.json`, `timestamps.txt` if there (else index / fps).

    Raises:
        FileNotFoundError: colour, depth or trajectory is missing.
        ValueError: their counts differ.
    """
    colour, depth = _pictures(folder, "color"), _pictures(folder, "depth")
    if (folder / "trajectory.log").is_file():
        world_T_cam = read_log(folder / "trajectory.log")
    elif (folder / "trajectory.json").is_file():
        world_T_cam = read_open3d_json(folder / "trajectory.json")
    else:
        raise FileNotFoundError(f"{folder} has no camera poses: need trajectory.log (or Open3D's trajectory.json)")
    seconds = torch.arange(len(colour)) / fps
    if (folder / "timestamps.txt").is_file():
        times = _column(folder / "timestamps.txt", 0)
        seconds = (times - times[:1]).float()
    if not len(colour) == len(depth) == len(world_T_cam) == len(seconds):
        raise ValueError(
            f"{folder} has {len(colour)} colour frames, {len(depth)} depth frames, {len(world_T_cam)} poses and "
            f"{len(seconds)} times: need one each for every frame"
        )
    return RgbdListing(colour, depth, seconds, world_T_cam, depth_scale=1000)


def list_tum(folder: Path) -> RgbdListing:
    """List `rgb.txt`, `depth.txt` (1/5000 m) and `groundtruth.txt`, matched by nearest time within 0.02 s.

    A colour frame without depth or pose that near is left out, as in TUM's own association script.

    Raises:
        FileNotFoundError: one of the three is missing.
        ValueError: one has another form, or no frame has both depth and pose.
    """
    for name in ("depth.txt", "groundtruth.txt"):
        if not (folder / name).is_file():
            raise FileNotFoundError(f"{folder} has no {name}, which a TUM folder needs beside rgb.txt")
    colour_times, depth_times = _column(folder / "rgb.txt", 0), _column(folder / "depth.txt", 0)
    pose_times, world_T_cam = read_tum(folder / "groundtruth.txt")
    depth_index, depth_gap = _nearest(colour_times, depth_times)
    pose_index, pose_gap = _nearest(colour_times, pose_times)
    kept = ((depth_gap <= TUM_MAX_GAP) & (pose_gap <= TUM_MAX_GAP)).nonzero()[:, 0].tolist()
    if not kept:
        raise ValueError(f"{folder}: no colour frame has depth and pose within {TUM_MAX_GAP} s; do the clocks agree?")
    colour = [folder / row[1] for row in read_table(folder / "rgb.txt")]
    depth = [folder / row[1] for row in read_table(folder / "depth.txt")]
    return RgbdListing(
        [colour[i] for i in kept],
        [depth[depth_index[i]] for i in kept],
        (colour_times[kept] - colour_times[kept[0]]).float(),  # float64 until here: TUM counts from 1970
        world_T_cam[pose_index[kept]],
        depth_scale=5000,
    )


def _pictures(folder: Path, name: str) -> list[Path]:
    found = list_images(folder / name) if (folder / name).is_dir() else []
    if not found:
        raise FileNotFoundError(f"{folder} has no pictures in {name}/: an RGB-D folder needs color/ and depth/")
    return found


def _column(path: Path, column: int) -> Float[Tensor, "row"]:
    """Read one column of numbers as float64."""
    try:
        return torch.tensor([float(row[column]) for row in read_table(path)], dtype=torch.float64)
    except (ValueError, IndexError) as error:
        raise ValueError(f"{path} needs a time in seconds at the start of each line") from error


def _nearest(
    times: Float[Tensor, "time"], others: Float[Tensor, "other"]
) -> tuple[Int64[Tensor, "time"], Float[Tensor, "time"]]:
    """Find for every time the index of the nearest other time, and the gap (seconds)."""
    gap, index = (times[:, None] - others).abs().min(1)
    return index, gap
