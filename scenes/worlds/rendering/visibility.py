"""Visibility between two points: shadows, and occlusion between frames."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from models.geometry import invert
from scenes.worlds.objects.primitives import Shape
from scenes.worlds.rendering.intersections import ENTER, TINY
from scenes.worlds.rendering.packing import PackedWorlds
from scenes.worlds.rendering.pairs import columns, ragged

SURFACE_MARGIN = 1e-3  # share of a segment at its end that cannot block: the surface that the point lies on
RADIUS_SLACK = 1.001  # on radii of bounding spheres, for rounding


@dataclass(frozen=True)
class Segments:
    """Segments from one origin a view to one point a pixel: unit direction and length."""

    origin: Float[Tensor, "view 3"]
    direction: Float[Tensor, "3 view pixel"]
    length: Float[Tensor, "view pixel"]


def blocked(
    scene: PackedWorlds,
    origin: Float[Tensor, "view 3"],
    point: Float[Tensor, "3 view pixel"],
    later: int = 0,
    wanted: Bool[Tensor, "view pixel"] | None = None,
) -> Bool[Tensor, "view pixel"]:
    """Tell which segments from `origin` to a point are cut by an object, with objects posed `later` frames after.

    The room is convex and cuts nothing. Segments that are not `wanted` count as free. `later` wraps around at the ends
    of a clip. Spheres around objects, then around primitives, leave few pairs for the exact intersections.
    """
    along = point - origin.T[:, :, None]
    length = along.square().sum(0).sqrt().clamp(min=TINY)
    segments = Segments(origin, along / length, length)
    world_T_obj = scene.world_T_obj.roll(-later, 1)
    obj, pixel = near_objects(scene, segments, world_T_obj, wanted)
    primitive, pixel = near_primitives(scene, segments, world_T_obj, obj, pixel)

    result = torch.zeros(length.numel(), dtype=torch.bool, device=point.device)
    prim_T_world = invert(world_T_obj[scene.primitive_object] @ scene.obj_T_prim[:, None]).flatten(0, 1)
    start = origin[scene.primitive_view.flatten()]
    start = ((prim_T_world[:, :3, :3] * start[:, None]).sum(-1) + prim_T_world[:, :3, 3]).T
    size = scene.primitive_size.repeat_interleave(scene.frames, 0).T
    table = torch.cat([prim_T_world[:, :3, :3].permute(1, 2, 0).flatten(0, 1), start, size])
    along = along.flatten(1)
    for shape in Shape:
        first, last = (scene.frames * scene.shape_start[shape + k] for k in (0, 1))
        chosen = torch.nonzero((primitive >= first) & (primitive < last))[:, 0]
        of_shape, seen = columns(table, primitive.index_select(0, chosen)), pixel.index_select(0, chosen)
        x, y, z = columns(along, seen)
        turned = [of_shape[3 * row] * x + of_shape[3 * row + 1] * y + of_shape[3 * row + 2] * z for row in range(3)]
        t = ENTER[shape](of_shape[9:12], torch.stack(turned), of_shape[12:15])
        result[seen[t < 1 - SURFACE_MARGIN]] = True
    return result.view(length.shape)


def near_objects(
    scene: PackedWorlds,
    segments: Segments,
    world_T_obj: Float[Tensor, "object frame 4 4"],
    wanted: Bool[Tensor, "view pixel"] | None,
) -> tuple[Int64[Tensor, "pair"], Int64[Tensor, "pair"]]:
    """List the segments that meet the sphere around an object, as (object * frames + frame, flat pixel)."""
    most = int(scene.object_index.max()) + 1
    slot = (scene.object_view * most + scene.object_index[:, None]).flatten()  # views have equal numbers of slots
    towards = world_T_obj[:, :, :3, 3].flatten(0, 1) - segments.origin.index_select(0, scene.object_view.flatten())
    radius = RADIUS_SLACK * scene.object_radius.repeat_interleave(scene.frames)
    tangent = (towards.square().sum(-1) - radius.square()).clamp(min=0).sqrt()  # from the origin to the sphere
    tangent = torch.where(tangent > 0, tangent, -torch.inf)  # an origin inside sees it in every direction

    def of_slot(value: Tensor, empty: float) -> Tensor:
        table = value.new_full((scene.views * most, *value.shape[1:]), empty)
        return table.index_copy(0, slot, value).view(scene.views, most, *value.shape[1:])

    depth = torch.bmm(of_slot(towards, 0.0), segments.direction.transpose(0, 1))  # of the centre along the segment
    near = depth > of_slot(tangent, torch.inf)[..., None]
    near &= depth < segments.length[:, None] + of_slot(radius, 0.0)[..., None]
    if wanted is not None:
        near &= wanted[:, None]
    found, pixel = torch.nonzero(near.flatten(0, 1)).T.contiguous()
    object_of_slot = torch.empty(scene.views * most, dtype=torch.int64, device=slot.device)
    object_of_slot[slot] = torch.arange(len(slot), device=slot.device)
    views = torch.arange(scene.views, device=slot.device).repeat_interleave(most) * segments.length.shape[1]
    return object_of_slot.index_select(0, found), views.index_select(0, found) + pixel


def near_primitives(
    scene: PackedWorlds,
    segments: Segments,
    world_T_obj: Float[Tensor, "object frame 4 4"],
    obj: Int64[Tensor, "pair"],
    pixel: Int64[Tensor, "pair"],
) -> tuple[Int64[Tensor, "_"], Int64[Tensor, "_"]]:
    """List the segments that meet the sphere around a primitive, as (primitive * frames + frame, flat pixel)."""
    # list all posed primitives by object, frame: the primitives of one posed object are then neighbours
    count = torch.bincount(scene.primitive_object, minlength=len(scene.object_world))
    by_object = torch.argsort(scene.primitive_object, stable=True)
    posed, k = ragged(count.repeat_interleave(scene.frames))
    entry = by_object[(count.cumsum(0) - count)[posed // scene.frames] + k] * scene.frames + posed % scene.frames
    count = count.repeat_interleave(scene.frames)
    start = count.cumsum(0) - count
    pair, k = ragged(count.index_select(0, obj))
    listed = start.index_select(0, obj).index_select(0, pair) + k

    centre = (world_T_obj[scene.primitive_object] @ scene.obj_T_prim[:, None])[:, :, :3, 3].flatten(0, 1)
    towards = (centre - segments.origin[scene.primitive_view.flatten()])[entry]
    radius = (RADIUS_SLACK * scene.primitive_radius).repeat_interleave(scene.frames)[entry]
    table = torch.cat([towards.T, (towards.square().sum(-1) - radius.square())[None], radius[None]])
    x, y, z, outside, reach = columns(table, listed)
    rays = torch.cat([segments.direction.flatten(1), segments.length.view(1, -1)])
    u, v, w, length = columns(columns(rays, pixel), pair)
    depth = x * u + y * v + z * w
    near = torch.nonzero((depth * depth > outside) & (depth > -reach) & (depth < length + reach))[:, 0]
    return entry.index_select(0, listed.index_select(0, near)), pixel.index_select(0, pair.index_select(0, near))
