"""Files of camera poses: Redwood .log, Open3D JSON, TUM text."""

from __future__ import annotations

from pathlib import Path

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from models.geometry import invert, matrix
from scenes.readers.rgbd.text import numbers, read_json, read_numbers, read_table


def read_log(path: Path) -> Float[Tensor, "time 4 4"]:
    """Read a Redwood / Open3D .log: per frame a line of three integers, then the four rows of world_T_cam (metres).

    Raises:
        ValueError: the file is malformed.
    """
    form = f"{path} is not a trajectory log: a frame needs a line 'i i i+1', then the rows of a 4x4 matrix"
    rows = read_table(path)
    blocks = [rows[i + 1 : i + 5] for i in range(0, len(rows), 5)]
    if not blocks or any(len(row) != 3 for row in rows[::5]):
        raise ValueError(form)
    poses = numbers(blocks, form)
    if poses.shape[1:] != (4, 4):
        raise ValueError(form)
    return poses.float()


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
    form = f"{path} is not an Open3D camera trajectory (parameters[i].extrinsic)"
    try:
        columns = [entry["extrinsic"] for entry in read_json(path)["parameters"]]
    except (KeyError, TypeError) as error:
        raise ValueError(form) from error
    extrinsics = numbers(columns, form).float()
    if extrinsics.ndim != 2 or extrinsics.shape[1] != 16:
        raise ValueError(form)
    return invert(rearrange(extrinsics, "time (col row) -> time row col", col=4))


def read_tum(path: Path) -> tuple[Float[Tensor, "pose"], Float[Tensor, "pose 4 4"]]:
    """Read a TUM trajectory: lines `seconds tx ty tz qx qy qz qw` of world_T_cam (metres); # starts a comment.

    Returns:
        The times (float64, seconds) and the poses.

    Raises:
        ValueError: the file is malformed.
    """
    form = "a TUM trajectory, lines 'time tx ty tz qx qy qz qw'"
    rows = read_numbers(path, 8, form)
    return rows[:, 0], matrix(rotation_from_quaternion(rows[:, 4:]), rows[:, 1:4]).float()


def rotation_from_quaternion(xyzw: Float[Tensor, "*batch 4"]) -> Float[Tensor, "*batch 3 3"]:
    """Build rotation matrices from quaternions (x, y, z, w) of any length but zero: v + 2 w (q x v) + 2 q x (q x v)."""
    x, y, z, w = (xyzw / xyzw.norm(dim=-1, keepdim=True)).unbind(-1)
    cross = cross_matrix(torch.stack([x, y, z], -1))
    rotation: Tensor = torch.eye(3).to(xyzw) + 2 * w[..., None, None] * cross + 2 * cross @ cross
    return rotation


def rotation_from_axis_angle(axis_angle: Float[Tensor, "*batch 3"]) -> Float[Tensor, "*batch 3 3"]:
    """Build rotation matrices from axes times angles (radians): I + sinc(a) [v] + (1 - cos a) / a^2 [v]^2."""
    angle = axis_angle.norm(dim=-1)[..., None, None]
    cross = cross_matrix(axis_angle)
    sine, half = torch.sinc(angle / torch.pi), torch.sinc(angle / (2 * torch.pi))
    rotation: Tensor = torch.eye(3).to(axis_angle) + sine * cross + half * half / 2 * cross @ cross
    return rotation


def cross_matrix(v: Float[Tensor, "*batch 3"]) -> Float[Tensor, "*batch 3 3"]:
    """Build the matrix [v] of the cross product: [v] u = v x u."""
    x, y, z = v.unbind(-1)
    zero = torch.zeros_like(x)
    cross = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1)
    matrices: Tensor = rearrange(cross, "... (row col) -> ... row col", row=3)
    return matrices
