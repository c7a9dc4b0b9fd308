"""The two layouts of an RGB-D folder: which files hold its frames, and the text that holds their times and poses."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from einops import rearrange
from jaxtyping import Float, Int64
from torch import Tensor

from models.geometry import invert, matrix
from scenes.readers.image_files import list_images

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
    """List a Redwood / Open3D folder: `color/`, `depth/` in millimetres, `trajectory.log` or `trajectory.json`.

    Times come from `timestamps.txt` if it exists, else frame i is at second i / `fps`.

    Raises:
        FileNotFoundError: colour, depth or the trajectory is missing.
        ValueError: their counts differ.
    """
    colour, depth = _pictures(folder, "color"), _pictures(folder, "depth")
    if (folder / "trajectory.log").is_file():
        world_T_cam = read_log(folder / "trajectory.log")
    elif (folder / "trajectory.json").is_file():
        world_T_cam = read_open3d_json(folder / "trajectory.json")
    else:
        raise FileNotFoundError(f"{folder} has no camera poses: add trajectory.log (or Open3D's trajectory.json)")
    seconds = torch.arange(len(colour)) / fps
    if (folder / "timestamps.txt").is_file():
        times = _first_column(folder / "timestamps.txt")
        seconds = (times - times[:1]).float()
    if not len(colour) == len(depth) == len(world_T_cam) == len(seconds):
        raise ValueError(
            f"{folder} has {len(colour)} colour frames, {len(depth)} depth frames, {len(world_T_cam)} poses and "
            f"{len(seconds)} times: every frame needs one of each"
        )
    return RgbdListing(colour, depth, seconds, world_T_cam, depth_scale=1000)


def list_tum(folder: Path) -> RgbdListing:
    """List a TUM folder: `rgb.txt`, `depth.txt` (1/5000 m) and `groundtruth.txt`, matched by nearest time.

    A colour frame without depth or pose within 0.02 s is left out, as in TUM's own association script.

    Raises:
        FileNotFoundError: one of the three files is missing.
        ValueError: a file is malformed, or no frame has both depth and pose.
    """
    for name in ("depth.txt", "groundtruth.txt"):
        if not (folder / name).is_file():
            raise FileNotFoundError(f"{folder} has no {name}, which a TUM folder needs beside rgb.txt")
    colour_times, depth_times = _first_column(folder / "rgb.txt"), _first_column(folder / "depth.txt")
    pose_times, world_T_cam = read_tum(folder / "groundtruth.txt")
    depth_index, depth_gap = _nearest(colour_times, depth_times)
    pose_index, pose_gap = _nearest(colour_times, pose_times)
    kept = ((depth_gap <= TUM_MAX_GAP) & (pose_gap <= TUM_MAX_GAP)).nonzero()[:, 0].tolist()
    if not kept:
        raise ValueError(
            f"{folder}: no colour frame has depth and pose within {TUM_MAX_GAP} s; check that the three files use one "
            "clock"
        )
    colour = [folder / row[1] for row in read_table(folder / "rgb.txt")]
    depth = [folder / row[1] for row in read_table(folder / "depth.txt")]
    return RgbdListing(
        [colour[i] for i in kept],
        [depth[depth_index[i]] for i in kept],
        (colour_times[kept] - colour_times[kept[0]]).float(),  # float64 until here: TUM counts from 1970
        world_T_cam[pose_index[kept]],
        depth_scale=5000,
    )


def read_log(path: Path) -> Float[Tensor, "time 4 4"]:
    """Read a Redwood / Open3D .log: per frame a line of three integers, then the four rows of world_T_cam (metres).

    Raises:
        ValueError: the file is malformed.
    """
    form = f"{path} is not a trajectory log: a frame needs a line 'i i i+1', then the rows of a 4x4 matrix"
    try:
        rows = [[float(word) for word in row] for row in read_table(path)]
        poses = torch.tensor([rows[i + 1 : i + 5] for i in range(0, len(rows), 5)])
    except ValueError as error:
        raise ValueError(form) from error
    if poses.shape[1:] != (4, 4):
        raise ValueError(form)
    return poses


def write_log(path: Path, world_T_cam: Float[Tensor, "time 4 4"]) -> None:
    """Write a Redwood / Open3D .log."""
    lines = []
    for i, pose in enumerate(world_T_cam.tolist()):
        lines.append(f"{i} {i} {i + 1}")
        lines.extend(" ".join(f"{x:.9g}" for x in row) for row in pose)  # 9 digits hold a float32 exactly
    path.write_text("\n".join(lines) + "\n")


def read_open3d_json(path: Path) -> Float[Tensor, "time 4 4"]:
    """Read an Open3D PinholeCameraTrajectory: its `extrinsic` is cam_T_world, 16 numbers by column.

    Raises:
        ValueError: the file is malformed.
    """
    try:
        columns = [entry["extrinsic"] for entry in json.loads(path.read_text())["parameters"]]
        return invert(rearrange(torch.tensor(columns, dtype=torch.float32), "time (col row) -> time row col", col=4))
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is not an Open3D camera trajectory (parameters[i].extrinsic)") from error


def read_tum(path: Path) -> tuple[Float[Tensor, "pose"], Float[Tensor, "pose 4 4"]]:
    """Read a TUM trajectory: lines `seconds tx ty tz qx qy qz qw` of world_T_cam (metres); # starts a comment.

    Returns:
        The times (float64, seconds) and the poses.

    Raises:
        ValueError: the file is malformed.
    """
    form = f"{path} is not a TUM trajectory: need lines 'time tx ty tz qx qy qz qw'"
    try:
        rows = torch.tensor([[float(word) for word in row] for row in read_table(path)], dtype=torch.float64)
    except ValueError as error:
        raise ValueError(form) from error
    if rows.ndim != 2 or rows.shape[1] != 8:
        raise ValueError(form)
    return rows[:, 0], matrix(rotation_from_quaternion(rows[:, 4:]), rows[:, 1:4]).float()


def read_table(path: Path) -> list[list[str]]:
    """Split a text file into rows of words, without blank lines and # comments."""
    lines = (line.split("#")[0].split() for line in path.read_text().splitlines())
    return [line for line in lines if line]


def rotation_from_quaternion(xyzw: Float[Tensor, "*batch 4"]) -> Float[Tensor, "*batch 3 3"]:
    """Build rotation matrices from quaternions (x, y, z, w) of any length but zero: v + 2 w (q x v) + 2 q x (q x v)."""
    x, y, z, w = (xyzw / xyzw.norm(dim=-1, keepdim=True)).unbind(-1)
    zero = torch.zeros_like(w)
    cross = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1)
    cross = rearrange(cross, "... (row col) -> ... row col", row=3)
    rotation: Tensor = torch.eye(3).to(xyzw) + 2 * w[..., None, None] * cross + 2 * cross @ cross
    return rotation


def _pictures(folder: Path, name: str) -> list[Path]:
    pictures = list_images(folder / name) if (folder / name).is_dir() else []
    if not pictures:
        raise FileNotFoundError(f"{folder} has no pictures in {name}/: an RGB-D folder needs color/ and depth/")
    return pictures


def _first_column(path: Path) -> Float[Tensor, "row"]:
    """Read the times (float64, seconds) that begin the lines of a text file."""
    try:
        return torch.tensor([float(row[0]) for row in read_table(path)], dtype=torch.float64)
    except ValueError as error:
        raise ValueError(f"{path} needs a time in seconds at the start of each line") from error


def _nearest(
    times: Float[Tensor, "time"], others: Float[Tensor, "other"]
) -> tuple[Int64[Tensor, "time"], Float[Tensor, "time"]]:
    """Find for every time the index of the nearest other time, and the gap (seconds)."""
    gap, index = (times[:, None] - others).abs().min(1)
    return index, gap
