"""Online rendering: worlds are drawn and rendered during training, without a store on disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor
from torch.utils.data import Dataset

from distill.signals import Signals, exact_signals
from scenes.worlds import World, WorldConfig, make_world
from scenes.worlds.rendering.cast import cast
from scenes.worlds.rendering.flow import flow, intrinsics
from scenes.worlds.rendering.packing import PackedWorlds, pack
from scenes.worlds.rendering.render import images, moving
from scenes.worlds.rendering.shading import shade


@dataclass(frozen=True)
class WorldBatch:
    """Packed worlds for transfer to the rendering device: a few kilobytes each, where a clip takes half a megabyte."""

    packed: PackedWorlds
    noise: Float[Tensor, "world"]  # standard deviation of the sensor noise, relative to full scale

    def to(self, device: torch.device | str) -> WorldBatch:
        """Move all tensors."""
        parts = {f.name: getattr(self.packed, f.name) for f in fields(self.packed)}
        moved: dict[str, Any] = {name: part.to(device) for name, part in parts.items() if isinstance(part, Tensor)}
        return WorldBatch(replace(self.packed, **moved), self.noise.to(device))


class LiveWorlds(Dataset[World]):
    """The world of each seed, not rendered."""

    def __init__(self, config: WorldConfig, seeds: range) -> None:
        self.config, self.seeds = config, seeds

    def __len__(self) -> int:
        return len(self.seeds)

    def __getitem__(self, index: int) -> World:
        return make_world(self.seeds[index], self.config)


def batch_worlds(worlds: Sequence[World], at_once: int | None = None) -> list[WorldBatch]:
    """Pack worlds of one size on the CPU, in groups of `at_once` that are rendered together (None: all in one)."""
    parts = [worlds[first : first + at_once] for first in range(0, len(worlds), at_once)] if at_once else [worlds]
    return [WorldBatch(pack(part, "cpu"), torch.tensor([world.noise for world in part])) for part in parts]


@torch.no_grad()
def perceive(batch: WorldBatch, grid: tuple[int, int]) -> tuple[Tensor, Signals]:
    """Render video (batch time 3 height width, uint8) and exact signals, with rays on `grid`, on the batch's device.

    The result equals that of `WorldStore` for the same seeds, except for rounding and the sensor noise, which is drawn
    from the device's global generator.
    """
    scene = batch.packed
    hits = cast(scene)
    vectors, valid = flow(scene, hits, -1)
    colour = images(scene, rearrange(shade(scene, hits), "c view pixel -> view c pixel"))
    noise = rearrange(batch.noise, "w -> w 1 1 1 1") * torch.randn_like(colour)
    video = (255 * (colour + noise)).round().clamp(0, 255).to(torch.uint8)
    cameras, pinholes = (
        rearrange(m, "(w f) i j -> w f i j", f=scene.frames) for m in (scene.world_T_cam, intrinsics(scene))
    )
    depth, vectors, valid, moved = (images(scene, x) for x in (hits.depth, vectors, valid, moving(scene, hits)))
    return video, exact_signals(depth, pinholes, cameras, vectors, valid, moved, grid)
