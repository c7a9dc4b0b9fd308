"""Turning a world so that its z axis points up."""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from models.geometry import matrix

Up = Literal["auto", "camera", "x", "-x", "y", "-y", "z", "-z"]

# Rows are the new x, y, z in the old axes; each is a rotation. "-y" is the usual (x, y, z) -> (x, z, -y) of a camera.
_Z_UP_ROTATIONS: dict[str, list[list[int]]] = {
    "x": [[0, 1, 0], [0, 0, 1], [1, 0, 0]],
    "-x": [[0, 1, 0], [0, 0, -1], [-1, 0, 0]],
    "y": [[1, 0, 0], [0, 0, -1], [0, 1, 0]],
    "-y": [[1, 0, 0], [0, 0, 1], [0, -1, 0]],
    "z": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    "-z": [[1, 0, 0], [0, -1, 0], [0, 0, -1]],
}


def turn_z_up(world_T_cam: Float[Tensor, "time 4 4"], up: Up = "auto") -> Float[Tensor, "time 4 4"]:
    """Turn poses into a world whose z axis points up.

    `up` names the axis of the given world that points up. "camera": the mean up direction (-y) of the cameras itself,
    by the smallest rotation. "auto": the signed axis nearest to that direction; wrong where the cameras look steeply
    (45 degrees or more) up or down.
    """
    camera_up = -world_T_cam[:, :3, 1].mean(0)
    if up == "camera":
        rotation = _rotation_to_z(camera_up / camera_up.norm())
    else:
        rotation = torch.tensor(_Z_UP_ROTATIONS[_nearest_axis(camera_up) if up == "auto" else up])
    zup_T_world = matrix(rotation.to(world_T_cam), torch.zeros_like(world_T_cam[0, :3, 3]))
    turned: Tensor = zup_T_world @ world_T_cam
    return turned


def _nearest_axis(direction: Float[Tensor, "3"]) -> str:
    axis = int(direction.abs().argmax())
    return ("-" if direction[axis] < 0 else "") + "xyz"[axis]


def _rotation_to_z(direction: Float[Tensor, "3"]) -> Float[Tensor, "3 3"]:
    """Rotate a unit direction to +z by the smallest angle (Rodrigues); -z by half a turn about x."""
    x, y, z = direction.tolist()
    if z < -1 + 1e-6:
        return torch.diag(torch.tensor([1.0, -1, -1]))
    cross = torch.tensor([[0, 0, -x], [0, 0, -y], [x, y, 0]])
    rotation: Tensor = torch.eye(3) + cross + cross @ cross / (1 + z)
    return rotation
