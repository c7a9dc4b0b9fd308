"""Camera trajectories on disk: Redwood log, Open3D JSON and TUM text, read as camera-to-world poses."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from models.geometry import invert, matrix


def read_log(path: Path) -> Float[Tensor, "time 4 4"]:
    """Read a Redwood / Open3D .log: per frame a line of three integers, then the four rows of world_T_cam (metres).

    Raises:
        ValueError: it is not of that form.
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
        ValueError: it is not of that form.
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
        ValueError: it is not of that form.
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
