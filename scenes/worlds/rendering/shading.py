"""Colour: Lambert light from one lamp with shadows, light from all around, and procedural textures."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from scenes.worlds.rendering.cast import Hits
from scenes.worlds.rendering.packing import SURFACES, PackedWorlds
from scenes.worlds.rendering.pairs import columns
from scenes.worlds.rendering.patterns import PATTERNS
from scenes.worlds.rendering.visibility import blocked

LAMP = 1.15
AMBIENT = 0.34
WARM = (1.06, 1.0, 0.9)
COOL = (0.95, 1.0, 1.05)


def shade(scene: PackedWorlds, hits: Hits) -> Float[Tensor, "3 view pixel"]:
    """Compute display colour (0 to 1, gamma 2) without sensor noise."""
    view_world = torch.arange(scene.views, device=hits.depth.device) // scene.frames
    lamp = scene.light[view_world]
    to_lamp = lamp.T[:, :, None] - hits.point
    distance = to_lamp.square().sum(0).sqrt()
    facing = (to_lamp * hits.normal).sum(0) / distance
    dark = blocked(scene, lamp, hits.point, wanted=facing > 0)
    reach = scene.room.square().sum(-1).sqrt()[view_world][:, None] / 2
    direct = LAMP * torch.where(dark, 0.0, facing.clamp(min=0)) / (0.55 + (distance / reach) ** 2)
    around = AMBIENT * (1 + 0.25 * hits.normal[2] + 0.1 * hits.normal[0]) * openness(scene, hits, view_world)
    warmth = scene.warmth[view_world][:, None]
    albedo = surface_colour(scene, hits, view_world)
    channels = []
    for c in range(3):
        tint = warmth * WARM[c] + (1 - warmth) * COOL[c]
        channels.append(albedo[c] * (direct * tint + around * (2 - tint)))
    return torch.stack(channels).clamp(0, 1).sqrt()


def openness(scene: PackedWorlds, hits: Hits, view_world: Tensor) -> Float[Tensor, "view pixel"]:
    """Darken corners of the room a little, where less light arrives from around."""
    room = scene.room[view_world].T[:, :, None]
    x, y, z = hits.point
    gaps = [room[0] / 2 - x.abs(), room[1] / 2 - y.abs(), torch.minimum(z, room[2] - z)]
    near = 0.12 * room[2]
    return torch.stack([1 - 0.3 / (1 + (gap / near) ** 2) for gap in gaps]).prod(0) / 0.7


def surface_colour(scene: PackedWorlds, hits: Hits, view_world: Tensor) -> Float[Tensor, "3 view pixel"]:
    """Evaluate the texture of every pixel, in linear light."""
    room_row = SURFACES * view_world[:, None] + hits.face
    row = torch.where(hits.on_object(), SURFACES * scene.worlds + hits.primitive, room_row).flatten()
    x, y, z = hits.point
    wall_x, wall = hits.face < 2, hits.face < 4
    position = torch.stack(
        [torch.where(wall_x, y, x), torch.where(wall, z, y), torch.where(wall_x, x, torch.where(wall, y, z))]
    )
    position = position.flatten(1).index_copy(1, hits.object_pixel, hits.local)
    texture = columns(scene.texture.T, row)
    position = position * texture[6] + texture[7:10]
    pattern = scene.pattern.index_select(0, row)
    share = torch.zeros_like(position[0])
    for kind, evaluate in PATTERNS.items():
        chosen = torch.nonzero(pattern == kind)[:, 0]
        share.index_copy_(0, chosen, evaluate(columns(position, chosen)))
    colour = texture[0:3] + share * (texture[3:6] - texture[0:3])
    return colour.view(hits.point.shape)
