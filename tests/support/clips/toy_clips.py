"""Clips with consistent truth: upright boxes on a floor, drawn as the pixels whose rays hit them first."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from models.geometry import default_intrinsics
from scenes import Clip, ObjectTruth, Truth

COLOURS = ("red", "green", "blue", "white")
FAMILIES = ("chair", "table", "lamp", "mug", "car")
FAR = 12.0  # metres to the backdrop
LOOKS_ALONG_Y = torch.tensor([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])  # camera axes in the z-up world
EYE = (0.0, -1.0, 1.3)


def toy_clip(seed: int, *, frames: int = 4, moving: bool = False) -> Clip:
    """Place 3 to 8 boxes before a moving camera; with `moving`, each of them rests, slides, turns or both."""
    g = torch.Generator().manual_seed(seed)

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(shape, generator=g)

    def choose(names: tuple[str, ...]) -> str:
        return names[int(torch.randint(len(names), (), generator=g))]

    count = int(torch.randint(3, 9, (), generator=g))
    sizes = uniform(0.2, 0.9, count, 3)
    start = torch.cat([uniform(-2, 2, count, 1), uniform(1.5, 6, count, 1)], -1)
    u = torch.linspace(0, 1, frames)[:, None]
    slides, turns = (torch.rand(2, count, generator=g) < 0.5) & torch.tensor(moving)
    heading, length = uniform(0, 2 * math.pi, count), uniform(0.2, 1.5, count) * slides
    begin = torch.where(torch.rand(count, generator=g) < 0.5, 0.0, 0.4)
    progress = ((u - begin) / (1 - begin)).clamp(0, 1)  # time object
    yaw = uniform(0, 2 * math.pi, count) + progress * uniform(0.5, 3, count) * turns
    way = torch.stack([heading.cos(), heading.sin()], -1) * length[:, None]
    eyes = torch.tensor(EYE) + u * uniform(-0.6, 0.6, 1, 3)
    return build_clip(
        start + progress[..., None] * way,
        sizes.tolist(),
        yaw=yaw,
        eyes=eyes,
        seconds=torch.linspace(0, 1, frames) * float(uniform(0.3, 4)),
        colours=[choose(COLOURS) for _ in range(count)],
        families=[choose(FAMILIES) for _ in range(count)],
    )


def build_clip(
    places: Tensor,
    sizes: Sequence[Sequence[float]],
    *,
    yaw: Tensor | None = None,
    eyes: Tensor | None = None,
    seconds: Tensor | None = None,
    colours: Sequence[str] = COLOURS * 2,
    families: Sequence[str] = FAMILIES * 2,
    pixels: int = 64,
) -> Clip:
    """Render boxes that stand on the floor at `places` (time, object, 2), from cameras that look along world y."""
    frames, count = places.shape[:2]
    extents = torch.tensor(sizes)
    yaw = torch.zeros(frames, count) if yaw is None else yaw
    eyes = torch.tensor(EYE).expand(frames, 3) if eyes is None else eyes
    world_T_obj = torch.eye(4).repeat(frames, count, 1, 1)
    world_T_obj[..., 0, 0], world_T_obj[..., 0, 1] = yaw.cos(), -yaw.sin()
    world_T_obj[..., 1, 0], world_T_obj[..., 1, 1] = yaw.sin(), yaw.cos()
    world_T_obj[..., :2, 3], world_T_obj[..., 2, 3] = places, extents[:, 2] / 2
    world_T_cam = torch.eye(4).repeat(frames, 1, 1)
    world_T_cam[:, :3, :3], world_T_cam[:, :3, 3] = LOOKS_ALONG_Y, eyes
    intrinsics = default_intrinsics(pixels, pixels).expand(frames, 3, 3)
    depth, instances = cast(world_T_obj, extents, world_T_cam, intrinsics, pixels)
    objects = tuple(ObjectTruth(f, c, tuple(s)) for f, c, s in zip(families, colours, sizes, strict=False))
    return Clip(
        torch.zeros(frames, 3, pixels, pixels, dtype=torch.uint8),
        torch.linspace(0, 1, frames) if seconds is None else seconds,
        depth,
        intrinsics,
        world_T_cam,
        Truth(objects, world_T_obj, instances),
    )


def cast(
    world_T_obj: Tensor, sizes: Tensor, world_T_cam: Tensor, intrinsics: Tensor, pixels: int
) -> tuple[Tensor, Tensor]:
    """Intersect every pixel's ray with every box (slabs); z-depth because rays have unit z."""
    v, u = torch.meshgrid(torch.arange(pixels) + 0.5, torch.arange(pixels) + 0.5, indexing="ij")
    rays = torch.stack([u, v, torch.ones_like(u)], -1) @ torch.linalg.inv(intrinsics[0]).T
    obj_T_cam = torch.linalg.inv(world_T_obj) @ world_T_cam[:, None]  # time object 4 4
    d = torch.einsum("toij,hwj->tohwi", obj_T_cam[..., :3, :3], rays)
    o = obj_T_cam[:, :, None, None, :3, 3]
    half = sizes[None, :, None, None] / 2
    one, two = (-half - o) / d, (half - o) / d
    near, far = torch.minimum(one, two).amax(-1), torch.maximum(one, two).amin(-1)
    z = torch.where((near <= far) & (near > 0.05), near, torch.inf)
    first, which = z.min(1)
    hit = first < FAR
    return torch.where(hit, first, FAR), torch.where(hit, which + 1, 0).to(torch.uint8)
