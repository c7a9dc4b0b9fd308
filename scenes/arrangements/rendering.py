"""Pictures of arrangements: a ray through every pixel centre, one lamp with shadows, light from all around."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from models.geometry import Mesh, default_intrinsics, pixel_centres, transform_points
from scenes.arrangements.arrangement import Arrangement
from scenes.meshes.ray_casting import RayCaster, RayHits
from scenes.meshes.textured_mesh import TexturedMesh
from scenes.worlds.objects.primitives import box
from scenes.worlds.objects.solid import primitive_mesh
from scenes.worlds.objects.textures import Texture
from scenes.worlds.rendering.patterns import PATTERNS
from scenes.worlds.rendering.shading import AMBIENT, COOL, LAMP, WARM

OFF_SURFACE = 1e-3  # metres, where a ray to the lamp starts


@dataclass(frozen=True)
class Picture:
    """What the camera sees, and the silhouette of the first object as if it stood alone."""

    image: UInt8[Tensor, "3 height width"]
    depth: Float[Tensor, "height width"]  # metres
    mask: Bool[Tensor, "height width"]
    silhouette: Bool[Tensor, "height width"]
    intrinsics: Float[Tensor, "3 3"]


def picture(
    arrangement: Arrangement, looks: Sequence[TexturedMesh], height: int, width: int, grain: torch.Generator
) -> Picture:
    """Render an arrangement whose objects have these looks, in the same order; `grain` draws the sensor noise."""
    objects = [
        Mesh(transform_points(look.mesh.vertices * placed.scale, placed.world_T_obj()), look.mesh.faces)
        for look, placed in zip(looks, arrangement.placed, strict=True)
    ]
    boards = [board.mesh() for board in arrangement.support.boards]
    everything = RayCaster([*objects, *boards, room(arrangement)])
    world_T_cam = arrangement.world_T_cam
    intrinsics = default_intrinsics(height, width, arrangement.hfov_deg)
    slope = (pixel_centres(height, width, intrinsics) - intrinsics[:2, 2]) / intrinsics.diagonal()[:2]
    ray = torch.cat([slope, torch.ones_like(slope[..., :1])], -1).reshape(-1, 3)  # z is 1: a length is a z-depth
    direction = ray @ world_T_cam[:3, :3].T
    origin = world_T_cam[:3, 3].expand_as(direction)
    hits = everything.cast(origin, direction)
    alone = RayCaster(objects[:1]).cast(origin, direction)
    point = origin + hits.distance[:, None] * direction
    albedo = colours(arrangement, looks, hits, point)
    display = shade(arrangement, everything, hits, point, direction, albedo).T.reshape(3, height, width)
    noisy = display + arrangement.noise * torch.randn(display.shape, generator=grain)
    depth = torch.where(hits.hit, hits.distance, 0.0).reshape(height, width)
    return Picture(
        image=(255 * noisy).round().clamp(0, 255).to(torch.uint8),
        depth=depth,
        mask=(hits.hit & (hits.mesh == 0)).reshape(height, width),
        silhouette=alone.hit.reshape(height, width),
        intrinsics=intrinsics,
    )


def room(arrangement: Arrangement) -> Mesh:
    """Mesh the walls, floor and ceiling, facing inwards."""
    low, high, half = arrangement.support.floor, arrangement.ceiling, arrangement.room
    mesh = primitive_mesh(box((0.0, 0.0, (low + high) / 2), (half, half, (high - low) / 2)), 4)
    return Mesh(mesh.vertices, mesh.faces.flip(-1))


def colours(
    arrangement: Arrangement, looks: Sequence[TexturedMesh], hits: RayHits, point: Float[Tensor, "ray 3"]
) -> Float[Tensor, "ray 3"]:
    """Look up the colour of every surface point, in linear light."""
    albedo = torch.zeros_like(point)
    boards = arrangement.support.boards
    for k in hits.mesh[hits.hit].unique().tolist():
        seen = hits.hit & (hits.mesh == k)
        if k < len(looks):
            albedo[seen] = looks[k].colour(hits.face[seen], hits.weights[seen])
        elif k < len(looks) + len(boards):
            albedo[seen] = patterned(boards[k - len(looks)].texture, point[seen], hits.normal[seen])
        else:
            albedo[seen] = walls(arrangement, point[seen], hits.normal[seen])
    return albedo


def walls(
    arrangement: Arrangement, point: Float[Tensor, "ray 3"], normal: Float[Tensor, "ray 3"]
) -> Float[Tensor, "ray 3"]:
    """Look up the colour of the room: walls at -x, +x, -y, +y, floor, ceiling."""
    axis = normal.abs().argmax(-1)
    low = normal.gather(-1, axis[:, None])[:, 0] > 0  # faces look inwards
    surface = 2 * axis + torch.where(low, 0, 1)
    albedo = torch.zeros_like(point)
    for k in surface.unique().tolist():
        on = surface == k
        albedo[on] = patterned(arrangement.surfaces[k], point[on], normal[on])
    return albedo


def patterned(
    texture: Texture, point: Float[Tensor, "ray 3"], normal: Float[Tensor, "ray 3"]
) -> Float[Tensor, "ray 3"]:
    """Evaluate a texture at points of flat surfaces; its first two coordinates lie in the surface."""
    across = normal.abs().argmax(-1)
    x, y, z = point.unbind(-1)
    first = torch.where(across == 0, y, x)
    second = torch.where(across == 2, y, z)
    third = torch.where(across == 0, x, torch.where(across == 1, y, z))
    place = torch.stack([first, second, third]) * texture.frequency + torch.tensor(texture.phase)[:, None]
    share = PATTERNS[texture.pattern](place)[:, None]
    main, other = torch.tensor(texture.colour), torch.tensor(texture.other)
    return main + share * (other - main)


def shade(
    arrangement: Arrangement,
    everything: RayCaster,
    hits: RayHits,
    point: Float[Tensor, "ray 3"],
    direction: Float[Tensor, "ray 3"],
    albedo: Float[Tensor, "ray 3"],
) -> Float[Tensor, "ray 3"]:
    """Compute display colours (0 to 1, gamma 2) as worlds do: Lambert light of a lamp, and light from all around."""
    towards = -(hits.normal * direction).sum(-1, keepdim=True).sign()
    normal = hits.normal * torch.where(towards == 0, 1.0, towards)  # both sides of a sheet are lit
    to_lamp = torch.tensor(arrangement.light) - point
    away = to_lamp.norm(dim=-1)
    facing = (to_lamp * normal).sum(-1) / away
    start = point + OFF_SURFACE * normal
    dark = everything.blocked(start, torch.tensor(arrangement.light) - start)
    reach = (2 * arrangement.room**2 + arrangement.ceiling**2) ** 0.5
    direct = LAMP * torch.where(dark, 0.0, facing.clamp(min=0)) / (0.55 + (away / reach) ** 2)
    around = 1.3 * AMBIENT * (1 + 0.25 * normal[:, 2] + 0.1 * normal[:, 0])
    tint = arrangement.warmth * torch.tensor(WARM) + (1 - arrangement.warmth) * torch.tensor(COOL)
    light = direct[:, None] * tint + around[:, None] * (2 - tint)
    return torch.where(hits.hit[:, None], albedo * light, 0.0).clamp(0, 1).sqrt()
