"""The pose and size of an object as the numbers that the layout stream learns, and the exact inverse.

An object's frame is its cube [-0.5, 0.5]^3 with z up; `p_cam = R (scale * p_obj) + t`, where `cam_T_obj` holds R and t
(OpenCV camera axes, metres) and `scale` is the side of the cube in metres. Translation and scale are encoded in the
canonical units of the object's normaliser, in which the visible object lies at the origin.
"""

from __future__ import annotations

import roma
import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from models.geometry import Normalizer, matrix, swap_pytorch3d

# tokens of the layout stream: their key and width
LAYOUT = {"rotation": 6, "translation": 3, "scale": 3}

# over the poses that SAM 3D was trained with; specs/sam3d.md 2.4
MEAN = (-0.06366, 0.00844, 0.00017, 0.00071, -0.00309, 0.51661)
STD = (0.66570, 0.67870, 0.30345, 0.43945, 0.39818, 0.61763)


def encode_pose(
    cam_T_obj: Float[Tensor, "object 4 4"], scale: Float[Tensor, "object"], normalizer: Normalizer
) -> dict[str, Float[Tensor, "object 1 _"]]:
    """Encode rigid poses and scales (metres) as one token a key of LAYOUT.

    "rotation" is `rotation_to_6d`, "translation" is (t - shift) / scale of the normaliser, which was fitted in the
    camera frame, and "scale" is the logarithm of s' = s / scale of the normaliser, three times: the published model
    predicts one number an axis and averages them. Its fourth token, translation_scale, has loss weight 0 and is left
    out here. Source: ScaleShiftInvariant, specs/sam3d.md 2.4.
    """
    rotation = cam_T_obj[..., :3, :3]
    canonical_T_obj = normalizer.map_pose(matrix(rotation * scale[:, None, None], cam_T_obj[..., :3, 3]))
    log_scale = canonical_T_obj[..., :3, :3].norm(dim=-2).log()  # the length of each column is s'
    layout = {"rotation": rotation_to_6d(rotation), "translation": canonical_T_obj[..., :3, 3], "scale": log_scale}
    return {key: value[:, None] for key, value in layout.items()}


def decode_pose(
    layout: dict[str, Float[Tensor, "object 1 _"]], normalizer: Normalizer
) -> tuple[Float[Tensor, "object 4 4"], Float[Tensor, "object"]]:
    """Decode layout tokens to `cam_T_obj` and the scale (metres): the inverse of `encode_pose`.

    The scale is isotropic: the mean over the axes, as the published model has it at inference.
    """
    rotation = rotation_from_6d(layout["rotation"][:, 0])
    scale = layout["scale"][:, 0].exp().mean(-1)
    similarity = normalizer.unmap_pose(matrix(rotation * scale[:, None, None], layout["translation"][:, 0]))
    return matrix(rotation, similarity[..., :3, 3]), similarity[..., :3, :3].norm(dim=-2).mean(-1)


def rotation_to_6d(cam_R_obj: Float[Tensor, "*batch 3 3"]) -> Float[Tensor, "*batch 6"]:
    """Encode rotations by six normalised numbers, (a - MEAN) / STD.

    The published convention is a row vector times a matrix, p_cam = p_obj Rm, in PyTorch3D axes, and takes the first
    two *columns* of Rm. Those are the camera's left and up as seen from the object, which is why the mean of the last
    number is large: cameras are upright, and z of the object is up.
    Source: specs/sam3d.md 2.4; Zhou et al. (arXiv 1812.07035) for the six numbers.
    """
    left_up = _p3d_R_cam(cam_R_obj) @ cam_R_obj
    mean, std = cam_R_obj.new_tensor(MEAN), cam_R_obj.new_tensor(STD)
    return (left_up[..., :2, :].flatten(-2) - mean) / std


def rotation_from_6d(numbers: Float[Tensor, "*batch 6"]) -> Float[Tensor, "*batch 3 3"]:
    """Decode six numbers to `cam_R_obj`, always a rotation: Gram-Schmidt, b3 = b1 x b2, columns of Rm."""
    raw = numbers * numbers.new_tensor(STD) + numbers.new_tensor(MEAN)
    columns = rearrange(raw, "... (col row) -> ... row col", row=3)
    p3d_R_obj: Tensor = roma.special_gramschmidt(columns, epsilon=1e-12).mT  # Rm is its transpose
    return _p3d_R_cam(numbers) @ p3d_R_obj


def _p3d_R_cam(like: Tensor) -> Tensor:
    return swap_pytorch3d(torch.eye(4, device=like.device, dtype=like.dtype))[:3, :3]
