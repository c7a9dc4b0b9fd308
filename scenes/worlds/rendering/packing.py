"""Worlds as flat tensors: all primitives of all worlds in one list, sorted by shape, posed at every frame."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from scenes.worlds.objects.primitives import Shape
from scenes.worlds.objects.textures import Texture
from scenes.worlds.world import World

SURFACES = 6  # of a room


@dataclass(frozen=True)
class PackedWorlds:
    """A batch of worlds. A view is one frame of one world: view = world * frames + frame.

    Primitives are sorted by shape, then object. Rows of `texture`: six surfaces of each world, then the primitives.
    """

    worlds: int
    frames: int
    height: int
    width: int
    focal: Float[Tensor, "view"]
    world_T_cam: Float[Tensor, "view 4 4"]
    room: Float[Tensor, "world 3"]
    light: Float[Tensor, "world 3"]
    warmth: Float[Tensor, "world"]
    object_world: Int64[Tensor, "object"]
    object_index: Int64[Tensor, "object"]  # within its world
    object_radius: Float[Tensor, "object"]  # of the sphere around its origin that holds it
    world_T_obj: Float[Tensor, "object frame 4 4"]
    primitive_object: Int64[Tensor, "primitive"]
    primitive_size: Float[Tensor, "primitive 3"]
    primitive_radius: Float[Tensor, "primitive"]  # of the sphere around its centre that holds it
    obj_T_prim: Float[Tensor, "primitive 4 4"]
    shape_start: tuple[int, ...]  # first primitive of each shape, and the total
    pattern: Int64[Tensor, "texture"]
    texture: Float[Tensor, "texture 10"]  # two linear colours, frequency, phase

    @property
    def views(self) -> int:
        """Number of frames in all worlds together."""
        return self.worlds * self.frames

    @cached_property
    def world_T_prim(self) -> Float[Tensor, "primitive frame 4 4"]:
        """Poses of all primitives at all frames."""
        return self.world_T_obj[self.primitive_object] @ self.obj_T_prim[:, None]

    @cached_property
    def primitive_view(self) -> Int64[Tensor, "primitive frame"]:
        """The view that shows each primitive at each frame."""
        return self.object_view[self.primitive_object]

    @cached_property
    def object_view(self) -> Int64[Tensor, "object frame"]:
        """The view that shows each object at each frame."""
        frame = torch.arange(self.frames, device=self.object_world.device)
        return self.object_world[:, None] * self.frames + frame


def pack(worlds: Sequence[World], device: torch.device | str) -> PackedWorlds:
    """Flatten worlds that share height, width and frame count.

    Raises:
        ValueError: if there is no world, or they differ in size.
    """
    if not worlds or len({(w.config.height, w.config.width, w.config.frames) for w in worlds}) != 1:
        raise ValueError("a batch needs at least one world, and all of one height, width and frame count")
    config = worlds[0].config
    objects = [(w, o, obj) for w, world in enumerate(worlds) for o, obj in enumerate(world.objects)]
    parts = [(k, p, t) for k, (_, _, o) in enumerate(objects) for p, t in zip(o.primitives, o.textures, strict=True)]
    parts.sort(key=lambda part: part[1].shape)  # stable: stays sorted by object within a shape
    shapes = [p.shape for _, p, _ in parts]
    textures = [t for world in worlds for t in world.surfaces] + [t for _, _, t in parts]

    def real(rows: object) -> Tensor:
        return torch.tensor(rows, dtype=torch.float32).to(device)

    def whole(rows: object) -> Tensor:
        return torch.tensor(rows, dtype=torch.int64).to(device)

    focal = [0.5 * config.width / math.tan(math.radians(w.hfov_deg) / 2) for w in worlds]
    return PackedWorlds(
        worlds=len(worlds),
        frames=config.frames,
        height=config.height,
        width=config.width,
        focal=real(focal).repeat_interleave(config.frames),
        world_T_cam=real([c.world_T_cam() for w in worlds for c in w.cameras]),
        room=real([w.room for w in worlds]),
        light=real([w.light for w in worlds]),
        warmth=real([w.warmth for w in worlds]),
        object_world=whole([w for w, _, _ in objects]),
        object_index=whole([o for _, o, _ in objects]),
        object_radius=real([0.5 * math.hypot(*obj.size) for _, _, obj in objects]),
        world_T_obj=real([obj.world_T_obj(worlds[w].moments) for w, _, obj in objects]),
        primitive_object=whole([k for k, _, _ in parts]),
        primitive_size=real([p.size for _, p, _ in parts]),
        primitive_radius=real([p.radius for _, p, _ in parts]),
        obj_T_prim=real(
            [[[*row, c] for row, c in zip(p.rotation, p.centre, strict=True)] + [[0, 0, 0, 1]] for _, p, _ in parts]
        ),
        shape_start=(*(sum(s < shape for s in shapes) for shape in Shape), len(shapes)),
        pattern=whole([t.pattern for t in textures]),
        texture=real([texture_row(t) for t in textures]),
    )


def texture_row(texture: Texture) -> list[float]:
    """Lay out a texture as ten numbers."""
    return [*texture.colour, *texture.other, texture.frequency, *texture.phase]
