"""What stands between two points: shadows, and occlusion between frames."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from models.geometry import invert
from scenes.worlds.primitives import Shape
from scenes.worlds.rendering.intersections import ENTER
from scenes.worlds.rendering.packing import PackedWorlds
from scenes.worlds.rendering.pairs import ragged

MARGIN = 1e-3  # share of a segment at its end that cannot block: the surface that the point lies on


def blocked(
    scene: PackedWorlds,
    origin: Float[Tensor, "view 3"],
    point: Float[Tensor, "3 view pixel"],
    later: int = 0,
    wanted: Bool[Tensor, "view pixel"] | None = None,
) -> Bool[Tensor, "view pixel"]:
    """Tell which segments from `origin` to a point are cut by an object, with objects posed `later` frames after.

    The room is convex and cuts nothing. Segments that are not `wanted` count as free. Objects are first tested by the
    sphere around them, so that only few segments meet primitives. `later` wraps around at the ends of a clip.
    """
    world_T_obj = scene.world_T_obj.roll(-later, 1)
    view = scene.object_view.flatten()
    direction = point - origin.T[:, :, None]
    square = (direction * direction).sum(0)
    towards = world_T_obj[:, :, :3, 3].flatten(0, 1) - origin[view]
    along = sum(towards[:, c, None] * direction[c, view] for c in range(3))
    square_of_entry = square[view]
    share = (along / square_of_entry).clamp(max=1)  # of the segment, where it is nearest to the centre of the sphere
    gap = (towards * towards).sum(-1)[:, None] + share * (share * square_of_entry - 2 * along)
    radius = scene.object_radius.repeat_interleave(scene.frames)[:, None]
    near = (along > 0) & (gap < radius * radius)
    if wanted is not None:
        near &= wanted[view]
    entry, pixel = torch.nonzero(near).unbind(1)  # entry = object * frames + frame
    segment = direction[:, view[entry], pixel]
    flat_pixel = view[entry] * point.shape[2] + pixel

    result = torch.zeros(point.shape[1] * point.shape[2], dtype=torch.bool, device=point.device)
    for shape in Shape:
        first, last = scene.shape_start[shape], scene.shape_start[shape + 1]
        owner = scene.primitive_object[first:last]
        count = torch.bincount(owner, minlength=len(scene.object_world))
        start = count.cumsum(0) - count  # primitives of a shape are sorted by object
        pair, k = ragged(count[entry // scene.frames])
        which = entry[pair]
        primitive = start[which // scene.frames] + k
        posed = primitive * scene.frames + which % scene.frames
        world_T_prim = world_T_obj[owner] @ scene.obj_T_prim[first:last, None]
        prim_T_world = invert(world_T_prim.flatten(0, 1))
        rotation = prim_T_world[:, :3, :3].permute(1, 2, 0).flatten(0, 1)
        seen_from = view.view(-1, scene.frames)[owner].flatten()
        o = ((prim_T_world[:, :3, :3] * origin[seen_from][:, None]).sum(-1) + prim_T_world[:, :3, 3]).T
        size = scene.primitive_size[first:last].repeat_interleave(scene.frames, 0).T
        table = torch.cat([rotation, o, size]).index_select(1, posed)
        ray = segment.index_select(1, pair)
        d = torch.stack([sum(table[3 * row + c] * ray[c] for c in range(3)) for row in range(3)])
        t = ENTER[shape](table[9:12], d, table[12:15])
        result[flat_pixel[pair[t < 1 - MARGIN]]] = True
    return result.view(point.shape[1:])
