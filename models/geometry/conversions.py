"""Conversions between OpenCV axes and other axes; no other module uses axes other than OpenCV's."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from models.geometry.point_map import PointMap, transform
from models.geometry.rigid import matrix


def cam_to_z_up(points: PointMap) -> PointMap:
    """Turn camera points to a z-up world at the camera: (x, y, z) -> (x, z, -y), for an image without a pose.

    The camera is taken to be level; where gravity is known, follow with `transform` by `z_up_T_tilted`.
    """
    if points.frame != "cam":
        raise ValueError(f"expected points in the frame 'cam', got {points.frame!r}; these need no rotation to z-up")
    world_T_cam = points.xyz.new_tensor([[1, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 0], [0, 0, 0, 1]])
    return transform(points, world_T_cam, "world")


def facing_T_world(world_T_cam: Float[Tensor, "*batch 4 4"]) -> Float[Tensor, "*batch 4 4"]:
    """Build the turn of a z-up world about z after which the camera looks along +y, as `cam_to_z_up` has it.

    A camera that looks straight up or down is turned by the top of its image (-y) instead.
    """
    forward, top = world_T_cam[..., :2, 2], -world_T_cam[..., :2, 1]
    level = forward.norm(dim=-1, keepdim=True) > 1e-3
    x, y = torch.nn.functional.normalize(torch.where(level, forward, top), dim=-1).unbind(-1)
    zero, one = torch.zeros_like(x), torch.ones_like(x)
    rows = [torch.stack(row, -1) for row in ([y, -x, zero], [x, y, zero], [zero, zero, one])]
    return matrix(torch.stack(rows, -2), torch.zeros_like(world_T_cam[..., :3, 3]))


def opencv_from_pytorch3d(
    rotation: Float[Tensor, "*batch 3 3"], translation: Float[Tensor, "*batch 3"]
) -> Float[Tensor, "*batch 4 4"]:
    """Convert PyTorch3D's `R` and `T` to `cam_T_world` with OpenCV camera axes; the world's axes stay.

    PyTorch3D multiplies row vectors, X_cam = X_world R + T, and its camera has x left, y up, z forward.
    """
    flip = rotation.new_tensor([-1, -1, 1])
    return matrix(flip[:, None] * rotation.transpose(-1, -2), flip * translation)


def intrinsics_from_ndc(
    focal: Float[Tensor, "*batch 2"],
    principal: Float[Tensor, "*batch 2"],
    height: int,
    width: int,
    isotropic: bool = True,
) -> Float[Tensor, "*batch 3 3"]:
    """Convert PyTorch3D's focal length and principal point (x, y) to intrinsics in pixels, centres at .5.

    Its normalised device coordinates point left and up, so that u = width / 2 - s (f X / Z + p) with X to the left. The
    unit s is half the shorter side for both axes (`isotropic`, PyTorch3D 0.5 and later), or half of each side.
    """
    sides = principal.new_tensor([width, height])
    unit = (sides.amin() if isotropic else sides) / 2
    intrinsics = torch.diag_embed(torch.cat([unit * focal, torch.ones_like(focal[..., :1])], -1))
    intrinsics[..., :2, 2] = sides / 2 - unit * principal
    return intrinsics


def swap_opengl(world_T_cam: Float[Tensor, "*batch 4 4"]) -> Float[Tensor, "*batch 4 4"]:
    """Exchange OpenGL camera axes (y up, z backward) and OpenCV camera axes (y down, z forward): its own inverse."""
    return world_T_cam * world_T_cam.new_tensor([1, -1, -1, 1])


def swap_pytorch3d(world_T_cam: Float[Tensor, "*batch 4 4"]) -> Float[Tensor, "*batch 4 4"]:
    """Exchange PyTorch3D camera axes (x left, y up, z forward) and OpenCV camera axes: its own inverse."""
    return world_T_cam * world_T_cam.new_tensor([-1, -1, 1, 1])


def z_up_T_tilted(up: Float[Tensor, "*batch 3"]) -> Float[Tensor, "*batch 4 4"]:
    """Build the smallest rotation that takes the direction `up` (any length) to +z; straight down turns about x.

    R = I + [v] + [v]^2 / (1 + c) with v = up x z and c = up . z (Rodrigues' formula), in double precision because it
    is ill-conditioned near c = -1.
    """
    x, y, c = torch.nn.functional.normalize(up.double(), dim=-1).unbind(-1)
    factor = 1 / (1 + c).clamp_min(1e-12)
    rows = [
        torch.stack([1 - x * x * factor, -x * y * factor, -x], -1),
        torch.stack([-x * y * factor, 1 - y * y * factor, -y], -1),
        torch.stack([x, y, c], -1),
    ]
    rotation = torch.stack(rows, -2)
    half_turn = rotation.new_tensor([1, -1, -1]).diag()
    rotation = torch.where((c < -1 + 1e-12)[..., None, None], half_turn, rotation)
    return matrix(rotation, torch.zeros_like(rotation[..., 0])).to(up)
