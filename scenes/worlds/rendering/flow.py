"""Exact optical flow: the position of the surface point of each pixel in a neighbouring frame."""

from __future__ import annotations

import torch
from einops import rearrange
from jaxtyping import Bool, Float
from torch import Tensor

from models.geometry import invert, project, transform_points
from scenes.worlds.rendering.cast import Hits
from scenes.worlds.rendering.packing import PackedWorlds
from scenes.worlds.rendering.visibility import blocked


def flow(
    scene: PackedWorlds, hits: Hits, later: int
) -> tuple[Float[Tensor, "view 2 pixel"], Bool[Tensor, "view pixel"]]:
    """Compute the flow (pixels) from each frame to the one `later` frames after (-1: backward flow).

    Returns:
        The flow, 0 where a point comes to lie behind the camera or the neighbour does not exist, and its validity: the
        point is inside the image there and nothing occludes it, by an exact ray to it.
    """
    frame = torch.arange(scene.frames, device=hits.depth.device)
    exists = ((frame + later >= 0) & (frame + later < scene.frames)).repeat(scene.worlds)
    world_T_cam = rearrange(
        rearrange(scene.world_T_cam, "(w f) i j -> w f i j", f=scene.frames).roll(-later, 1), "w f i j -> (w f) i j"
    )
    point = moved_points(scene, hits, later)
    seen = transform_points(rearrange(point, "c view pixel -> view pixel c"), invert(world_T_cam)[:, None])
    there = project(seen, intrinsics(scene)[:, None])
    u = (torch.arange(scene.width, device=frame.device) + 0.5).repeat(scene.height)
    v = (torch.arange(scene.height, device=frame.device) + 0.5).repeat_interleave(scene.width)
    inside = (there[..., 0] > 0) & (there[..., 0] < scene.width) & (there[..., 1] > 0) & (there[..., 1] < scene.height)
    valid = inside & exists[:, None]
    valid &= ~blocked(scene, world_T_cam[:, :3, 3], point, later, wanted=valid)
    result = torch.where((seen[..., 2] > 0) & exists[:, None], torch.stack([there[..., 0] - u, there[..., 1] - v]), 0.0)
    return rearrange(result, "c view pixel -> view c pixel"), valid


def moved_points(scene: PackedWorlds, hits: Hits, later: int) -> Float[Tensor, "3 view pixel"]:
    """Move the world point of each pixel with its object to its position `later` frames after."""
    later_T_now = scene.world_T_obj.roll(-later, 1) @ invert(scene.world_T_obj)
    flat = hits.point.flatten(1)
    obj = scene.primitive_object[hits.primitive.flatten()[hits.object_pixel]]
    frame = hits.object_pixel // hits.depth.shape[1] % scene.frames
    moved = transform_points(flat[:, hits.object_pixel].T, later_T_now[obj, frame]).T
    return flat.index_copy(1, hits.object_pixel, moved).view_as(hits.point)


def intrinsics(scene: PackedWorlds) -> Float[Tensor, "view 3 3"]:
    """Build the pinhole matrices: square pixels, centre in the middle."""
    matrix = torch.zeros(scene.views, 3, 3, device=scene.focal.device)
    matrix[:, 0, 0] = matrix[:, 1, 1] = scene.focal
    matrix[:, 0, 2], matrix[:, 1, 2], matrix[:, 2, 2] = scene.width / 2, scene.height / 2, 1
    return matrix
