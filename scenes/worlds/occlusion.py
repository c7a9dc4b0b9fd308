"""How much of each object of a world the others hide, without rendering it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from jaxtyping import Int64
from torch import Tensor

from scenes.worlds.objects.primitives import Shape
from scenes.worlds.rendering.cast import ROOM, depth_key, shape_candidates
from scenes.worlds.rendering.packing import pack
from scenes.worlds.rendering.render import one_thread
from scenes.worlds.world import World

DOWNSCALE = 2  # occlusion is judged at this fraction of the resolution


def occluded_shares(worlds: Sequence[World], smallest: float, alone: bool) -> list[list[tuple[int, float]]]:
    """List (object, occluded share of its silhouette) for the objects of each world that are large enough.

    An object is large enough if its visible pixels cover `smallest` of the image; with `alone`, its whole silhouette
    counts as visible.
    """
    height, width = worlds[0].config.height // DOWNSCALE, worlds[0].config.width // DOWNSCALE
    small = [replace(world, config=replace(world.config, height=height, width=width)) for world in worlds]
    listed = []
    for visible, full in silhouettes(small):
        visible = full if alone else visible
        large = (visible >= max(1, smallest * height * width)).nonzero()[:, 0].tolist()
        listed.append([(index, 1 - int(visible[index]) / int(full[index])) for index in large])
    return listed


def silhouettes(worlds: Sequence[World]) -> list[tuple[Int64[Tensor, "object"], Int64[Tensor, "object"]]]:
    """Count the pixels where each object of each world is seen, and where it would be if it were alone."""
    with one_thread():
        scene = pack(worlds, "cpu")
        rays = [shape_candidates(scene, shape) for shape in Shape]
        pixel, t, entry = (torch.cat([getattr(some, name) for some in rays]) for name in ("pixel", "t", "entry"))
        obj, area = scene.primitive_object[entry // scene.frames], scene.height * scene.width
        alone = torch.zeros(len(scene.object_world), area, dtype=torch.bool)
        alone[obj, pixel % area] = True
        nearest = torch.full((scene.views * area,), torch.iinfo(torch.int64).max)
        nearest.scatter_reduce_(0, pixel, depth_key(t, torch.arange(len(t))), "amin")
        first = nearest[nearest < torch.iinfo(torch.int64).max] & ROOM
        visible = torch.bincount(obj[first], minlength=len(alone))
        counts = [len(world.objects) for world in worlds]
        return list(zip(visible.split(counts), alone.sum(1).split(counts), strict=True))
