"""Nine numbers for a camera: translation, unit quaternion, fields of view (`absT_quaR_FoV` of VGGT)."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from models.geometry.rigid import matrix


def encode_camera(
    cam_T_world: Float[Tensor, "*batch 4 4"], intrinsics: Float[Tensor, "*batch 3 3"], height: int, width: int
) -> Float[Tensor, "*batch 9"]:
    """Encode each camera by nine numbers, which do not contain the principal point.

    They are the translation of `cam_T_world`, its rotation as a quaternion x, y, z, w with w >= 0, and the vertical and
    horizontal field of view (radians, 2 atan(height / 2 fy)).
    Source: VGGT (arXiv 2503.11651) section 3.3; specs/vidfm3d.md 2.1.
    """
    focal_x, focal_y = intrinsics[..., 0, 0], intrinsics[..., 1, 1]
    fov = torch.stack([2 * torch.atan(height / (2 * focal_y)), 2 * torch.atan(width / (2 * focal_x))], -1)
    return torch.cat([cam_T_world[..., :3, 3], quaternion(cam_T_world[..., :3, :3]), fov], -1)


def decode_camera(
    encoding: Float[Tensor, "*batch 9"], height: int, width: int
) -> tuple[Float[Tensor, "*batch 4 4"], Float[Tensor, "*batch 3 3"]]:
    """Decode cameras to `cam_T_world` and intrinsics with a centred principal point; normalises quaternions."""
    cam_T_world = matrix(rotation(encoding[..., 3:7]), encoding[..., :3])
    focal_y, focal_x = ((side / 2) / torch.tan(encoding[..., k] / 2) for side, k in ((height, 7), (width, 8)))
    intrinsics = torch.zeros(*encoding.shape[:-1], 3, 3).to(encoding)
    intrinsics[..., 0, 0], intrinsics[..., 1, 1], intrinsics[..., 2, 2] = focal_x, focal_y, 1
    intrinsics[..., 0, 2], intrinsics[..., 1, 2] = width / 2, height / 2
    return cam_T_world, intrinsics


def quaternion(rotations: Float[Tensor, "*batch 3 3"]) -> Float[Tensor, "*batch 4"]:
    """Convert rotation matrices to unit quaternions x, y, z, w with w >= 0.

    Of the four equivalent formulas, the one that divides by the largest component is used, to keep precision.
    roma's `rotmat_to_unitquat` agrees to rounding, but adds in another order, which would change committed figures.
    """
    a, b, c = rotations[..., 0, 0], rotations[..., 1, 1], rotations[..., 2, 2]
    squares = torch.stack([1 + a - b - c, 1 - a + b - c, 1 - a - b + c, 1 + a + b + c], -1)  # 4 x the square of each
    xy, xz, yz = (rotations[..., i, j] + rotations[..., j, i] for i, j in ((0, 1), (0, 2), (1, 2)))
    xw, yw, zw = (rotations[..., i, j] - rotations[..., j, i] for i, j in ((2, 1), (0, 2), (1, 0)))
    products = torch.stack([xy, xz, xw, yz, yw, zw], -1)
    row = torch.tensor([[-1, 0, 1, 2], [0, -1, 3, 4], [1, 3, -1, 5], [2, 4, 5, -1]], device=rotations.device)
    largest = squares.argmax(-1)
    others = products.gather(-1, row[largest].clamp_min(0))
    is_largest = row[largest] < 0
    xyzw = torch.where(is_largest, squares.gather(-1, largest[..., None]), others)
    xyzw = xyzw / xyzw.norm(dim=-1, keepdim=True)
    return torch.where(xyzw[..., 3:] < 0, -xyzw, xyzw)


def rotation(quaternions: Float[Tensor, "*batch 4"]) -> Float[Tensor, "*batch 3 3"]:
    """Convert quaternions x, y, z, w of any positive length to rotation matrices."""
    x, y, z, w = (quaternions / quaternions.norm(dim=-1, keepdim=True)).unbind(-1)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    return torch.stack([torch.stack(row, -1) for row in rows], -2)
