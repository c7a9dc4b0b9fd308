"""The pixels of an oriented 3D box in every frame of a clip."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from models.geometry import PointMap, invert, pixel_centres, project, transform_points

TOLERANCE = 1e-3  # metres: a point on the face of a tight box is inside despite rounding


def box_masks(
    world_T_box: Float[Tensor, "4 4"],
    size: Sequence[int | float],
    intrinsics: Float[Tensor, "time 3 3"],
    world_T_cam: Float[Tensor, "time 4 4"],
    height: int,
    width: int,
    points: PointMap | None = None,
) -> Bool[Tensor, "time height width"]:
    """Mask the pixels of a box, centred at its own origin, with full extents `size` (metres).

    In a frame with depth in `points` (world frame), these are the pixels whose point lies in the box: occluders are
    excluded, and everything inside the box is included, such as the floor right under an object. In a frame without
    depth, they are the pixels whose ray hits the box (its projected convex hull), and always the pixel of its centre.
    Source: SR-3D (arXiv 2509.13317) projects 3D boxes to masks of many frames; the point test is ours.

    Raises:
        ValueError: `points` is in another frame, or does not match the cameras and pixels.
    """
    half = world_T_box.new_tensor(list(size)) / 2
    masks = _ray_hits(world_T_box, half, intrinsics, world_T_cam, height, width)
    if points is None:
        return masks
    if points.frame != "world" or points.valid.shape != masks.shape:
        raise ValueError(
            f"a 3D box needs world points of {tuple(masks.shape)} (time, height, width), "
            f"got {points.frame} points of {tuple(points.valid.shape)}"
        )
    xyz = transform_points(points.xyz, invert(world_T_box).to(points.xyz))
    inside = (xyz.abs() <= half.to(xyz) + TOLERANCE).all(-1) & points.valid
    return torch.where(points.valid.flatten(1).any(1)[:, None, None], inside, masks)


def _ray_hits(
    world_T_box: Tensor, half: Tensor, intrinsics: Tensor, world_T_cam: Tensor, height: int, width: int
) -> Bool[Tensor, "time height width"]:
    """Intersect the ray of every pixel with the box (slab method), also for boxes that reach behind the camera."""
    box_T_cam = invert(world_T_box) @ world_T_cam
    pixels = pixel_centres(height, width, intrinsics)
    pixels = torch.cat([pixels, torch.ones_like(pixels[..., :1])], -1)
    rays = torch.einsum("tij,hwj->thwi", box_T_cam[:, :3, :3] @ torch.linalg.inv(intrinsics), pixels)
    origin = box_T_cam[:, None, None, :3, 3]
    rays = torch.where(rays == 0, torch.finfo(rays.dtype).tiny, rays)  # a ray parallel to a slab meets it at +-infinity
    a, b = (-half - origin) / rays, (half - origin) / rays
    enter, leave = torch.minimum(a, b).amax(-1), torch.maximum(a, b).amin(-1)
    hits = (enter <= leave) & (leave > 0)

    centre = project(invert(box_T_cam)[:, :3, 3], intrinsics)  # NaN behind the camera: fails every comparison
    u, v = torch.arange(width).to(centre), torch.arange(height).to(centre)[:, None]
    x, y = centre[:, 0, None, None], centre[:, 1, None, None]
    return hits | ((u <= x) & (x < u + 1) & (v <= y) & (y < v + 1))
