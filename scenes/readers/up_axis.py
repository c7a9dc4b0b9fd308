"""Turning a world so that its z axis points up."""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from models.geometry import matrix, z_up_T_tilted

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
        zup_T_world = z_up_T_tilted(camera_up)
    else:
        rotation = torch.tensor(_Z_UP_ROTATIONS[_nearest_axis(camera_up) if up == "auto" else up])
        zup_T_world = matrix(rotation.to(world_T_cam), torch.zeros_like(camera_up))
    turned: Tensor = zup_T_world @ world_T_cam
    return turned


def _nearest_axis(direction: Float[Tensor, "3"]) -> str:
    axis = int(direction.abs().argmax())
    return ("-" if direction[axis] < 0 else "") + "xyz"[axis]
