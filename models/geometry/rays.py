"""Camera rays in Plücker coordinates, and the poses of cameras from their rays."""

from __future__ import annotations

import roma
import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from models.geometry.cameras import pixel_centres
from models.geometry.rigid import matrix


def plucker_rays(
    intrinsics: Float[Tensor, "*batch 3 3"], a_T_cam: Float[Tensor, "*batch 4 4"], height: int, width: int
) -> Float[Tensor, "*batch 6 height width"]:
    """Give (d, o x d) of the ray through every pixel centre: unit direction and moment (metres), both in frame a.

    `intrinsics` are in pixels of the (height, width) grid. Source: the camera rays of L4P (arXiv 2502.13078).
    """
    centres = pixel_centres(height, width, intrinsics)
    focal = torch.stack([intrinsics[..., 0, 0], intrinsics[..., 1, 1]], -1)[..., None, None, :]
    offset = (centres - intrinsics[..., None, None, :2, 2]) / focal
    in_cam = torch.nn.functional.normalize(torch.cat([offset, torch.ones_like(offset[..., :1])], -1), dim=-1)
    direction = torch.einsum("...ij,...hwj->...hwi", a_T_cam[..., :3, :3], in_cam)
    origin = a_T_cam[..., None, None, :3, 3].expand_as(direction)
    moment = torch.linalg.cross(origin, direction)
    rays: Tensor = rearrange(torch.cat([direction, moment], -1), "... h w c -> ... c h w")
    return rays


def cameras_from_rays(
    rays: Float[Tensor, "*batch 6 height width"], intrinsics: Float[Tensor, "*batch 3 3"]
) -> Float[Tensor, "*batch 4 4"]:
    """Fit the poses a_T_cam to their rays in the least-squares sense; directions need not have unit length.

    The rotation best aligns the directions of the pixels with those of the rays (Kabsch); the centre is the point
    nearest to all rays.
    """
    height, width = rays.shape[-2:]
    flat = rearrange(rays, "... c h w -> ... (h w) c")
    direction = torch.nn.functional.normalize(flat[..., :3], dim=-1)
    moment = flat[..., 3:] / flat[..., :3].norm(dim=-1, keepdim=True).clamp_min(1e-12)
    still = torch.eye(4).to(rays).expand(*rays.shape[:-3], 4, 4)
    in_cam = rearrange(plucker_rays(intrinsics, still, height, width)[..., :3, :, :], "... c h w -> ... (h w) c")
    rotation = roma.special_procrustes(direction.mT @ in_cam)
    across = torch.eye(3).to(rays) - direction[..., :, None] * direction[..., None, :]  # (1 - d d') o = d x (o x d)
    right = torch.linalg.cross(direction, moment).sum(-2)
    centre = torch.linalg.solve(across.sum(-3), right)
    return matrix(rotation, centre)
