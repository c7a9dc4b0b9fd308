"""Camera rays: the first surface on the ray of every pixel of every view."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from einops import rearrange, repeat
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from models.geometry import invert
from scenes.worlds.objects.primitives import Shape
from scenes.worlds.rendering.intersections import ENTER, NORMAL, TINY
from scenes.worlds.rendering.packing import PackedWorlds
from scenes.worlds.rendering.pairs import bounds, columns, covered_spans, ragged

ROOM = (1 << 32) - 1  # index of "no primitive" in the low half of a depth key


@dataclass(frozen=True)
class Hits:
    """The first surface on the ray of every pixel; `pixel` counts through all views, row by row."""

    depth: Float[Tensor, "view pixel"]  # z-depth, metres
    point: Float[Tensor, "3 view pixel"]  # world
    normal: Float[Tensor, "3 view pixel"]  # world, unit length, towards the camera
    primitive: Int64[Tensor, "view pixel"]  # -1 for the room
    face: Int64[Tensor, "view pixel"]  # of the room behind: -x, +x, -y, +y, floor, ceiling
    object_pixel: Int64[Tensor, "hit"]  # flat indices of the pixels that see a primitive
    local: Float[Tensor, "3 hit"]  # and the point there, in the frame of the primitive

    def on_object(self) -> Bool[Tensor, "view pixel"]:
        """Mark the pixels that see an object."""
        return self.primitive >= 0


@dataclass(frozen=True)
class Candidates:
    """Rays that hit some primitive, visible or not. `entry` is primitive * frames + frame."""

    pixel: Int64[Tensor, "hit"]
    t: Float[Tensor, "hit"]
    entry: Int64[Tensor, "hit"]
    local: Float[Tensor, "3 hit"]


def cast(scene: PackedWorlds) -> Hits:
    """Cast one ray through the centre of every pixel.

    A ray direction has z = 1 in the camera, so that t is z-depth. Ties go to the primitive that is listed first.
    """
    direction = pixel_directions(scene)
    eye = scene.world_T_cam[:, :3, 3].T[:, :, None]
    depth, axis, positive = room_depth(scene, eye, direction)
    found = [shape_candidates(scene, shape) for shape in Shape]
    pixel, t, entry = (torch.cat([getattr(c, name) for c in found]) for name in ("pixel", "t", "entry"))
    local = torch.cat([c.local for c in found], 1)

    key = depth_key(depth.flatten(), torch.full_like(depth.flatten(), ROOM, dtype=torch.int64))
    key.scatter_reduce_(0, pixel, depth_key(t, torch.arange(len(t), device=t.device)), "amin")
    winner = key & ROOM
    object_pixel = torch.nonzero(winner != ROOM)[:, 0]
    hit = winner[object_pixel]
    local, entry, t = columns(local, hit), entry.index_select(0, hit), t.index_select(0, hit)

    depth = depth.flatten().index_copy(0, object_pixel, t).view_as(depth)
    normal = room_normal(axis, positive).flatten(1).index_copy(1, object_pixel, world_normal(scene, entry, local))
    primitive = torch.full_like(winner, -1).index_copy(0, object_pixel, entry // scene.frames)
    return Hits(
        depth=depth,
        point=eye + depth * direction,
        normal=normal.view_as(direction),
        primitive=primitive.view(depth.shape),
        face=2 * axis + positive,
        object_pixel=object_pixel,
        local=local,
    )


def depth_key(t: Float[Tensor, "ray"], index: Int64[Tensor, "ray"]) -> Int64[Tensor, "ray"]:
    """Pack a positive depth and an index into one integer that sorts by depth first: the minimum is then unique."""
    return (t.view(torch.int32).long() << 32) | index


def pixel_directions(scene: PackedWorlds) -> Float[Tensor, "3 view pixel"]:
    """Build the world direction of each pixel's ray, with z = 1 in the camera."""
    focal = scene.focal[:, None]
    x = (torch.arange(scene.width, device=focal.device) + 0.5 - scene.width / 2) / focal
    y = (torch.arange(scene.height, device=focal.device) + 0.5 - scene.height / 2) / focal
    right, down, forward = (scene.world_T_cam[:, :3, k].T for k in range(3))
    across = right[:, :, None] * x + forward[:, :, None]
    along = down[:, :, None] * y
    return (across[:, :, None, :] + along[:, :, :, None]).flatten(2)


def room_depth(
    scene: PackedWorlds, eye: Float[Tensor, "3 view 1"], direction: Float[Tensor, "3 view pixel"]
) -> tuple[Float[Tensor, "view pixel"], Int64[Tensor, "view pixel"], Int64[Tensor, "view pixel"]]:
    """Find where rays leave the room: depth, axis of the wall, and 1 where it is the wall at the positive end."""
    room = repeat(scene.room, "world c -> c (world frame) 1", frame=scene.frames)
    high = room * torch.tensor([0.5, 0.5, 1.0]).to(room)[:, None, None]
    low = high - room
    forward = direction >= 0
    divisor = torch.where(forward, direction.clamp(min=TINY), direction.clamp(max=-TINY))
    depth, axis = ((torch.where(forward, high, low) - eye) / divisor).min(0)
    return depth, axis, forward.gather(0, axis[None])[0].long()


def room_normal(
    axis: Int64[Tensor, "view pixel"], positive: Int64[Tensor, "view pixel"]
) -> Float[Tensor, "3 view pixel"]:
    """Give the normal of the walls, into the room."""
    inwards = (1 - 2 * positive).float()
    return torch.stack([torch.where(axis == k, inwards, 0.0) for k in range(3)])


def shape_candidates(scene: PackedWorlds, shape: Shape) -> Candidates:
    """Intersect all primitives of one shape with the rays near them."""
    first, last = scene.shape_start[shape], scene.shape_start[shape + 1]
    view = scene.primitive_view[first:last].flatten()
    prim_T_cam = invert(scene.world_T_prim[first:last].flatten(0, 1)) @ scene.world_T_cam[view]
    size = scene.primitive_size[first:last].repeat_interleave(scene.frames, 0)
    focal = scene.focal[view]
    spans = covered_spans(bounds(shape, size), invert(prim_T_cam), focal, scene.height, scene.width)

    # a ray direction is affine along a span: base + k * step
    inverse = 1 / focal[spans.entry]
    x = (spans.column + 0.5 - scene.width / 2) * inverse
    y = (spans.row + 0.5 - scene.height / 2) * inverse
    right, down, forward, origin = rearrange(prim_T_cam[spans.entry, :3], "span row column -> column row span")
    base = right * x + down * y + forward
    table = torch.cat([base, right * inverse, origin, size[spans.entry].T])
    span, k = ragged(spans.count)
    table = columns(table, span)
    o, size_of_ray = table[6:9], table[9:12]
    d = table[0:3] + k * table[3:6]

    t = ENTER[shape](o, d, size_of_ray)
    hit = torch.nonzero(t < torch.inf)[:, 0]
    span, k, t = (x.index_select(0, hit) for x in (span, k, t))
    first_pixel = (view[spans.entry] * scene.height + spans.row) * scene.width + spans.column
    entry = (first * scene.frames + spans.entry).index_select(0, span)
    return Candidates(first_pixel.index_select(0, span) + k, t, entry, columns(o, hit) + t * columns(d, hit))


def world_normal(
    scene: PackedWorlds, entry: Int64[Tensor, "hit"], local: Float[Tensor, "3 hit"]
) -> Float[Tensor, "3 hit"]:
    """Evaluate the normals of hits, shape by shape, and turn them into the world."""
    normal = torch.empty_like(local)
    sizes = scene.primitive_size.repeat_interleave(scene.frames, 0).T
    for shape in Shape:
        first, last = (scene.frames * scene.shape_start[shape + k] for k in (0, 1))
        chosen = torch.nonzero((entry >= first) & (entry < last))[:, 0]
        size = columns(sizes, entry.index_select(0, chosen))
        normal.index_copy_(1, chosen, NORMAL[shape](columns(local, chosen), size))
    rotation = scene.world_T_prim[..., :3, :3].permute(2, 3, 0, 1).flatten(2).flatten(0, 1)
    turned = columns(rotation, entry).view(3, 3, -1) * normal
    return turned[:, 0] + turned[:, 1] + turned[:, 2]
