"""Masked objects of procedural worlds: a picture, the pixels of one object, depth; and the object's exact truth.

How a seed gets its object: its bin says how occluded the object is (`seed_groups`), worlds are drawn and judged by
silhouettes until one fits (`occlusion`), and that world is rendered and the object extracted (here).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TypeVar

import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from models.geometry import invert, voxel_centres
from scenes.clip import Clip
from scenes.masked_object import MARGIN, MaskedObject, ObjectStore
from scenes.storage import shards
from scenes.storage.cache_key import cache_key
from scenes.worlds import WorldConfig, make_world, render
from scenes.worlds.objects.solid import signed_distance
from scenes.worlds.occlusion import occluded_shares, silhouettes
from scenes.worlds.seed_groups import MAX_WORLDS, ObjectDraw, SeedGroup
from scenes.worlds.store import FORMAT as WORLD_FORMAT
from scenes.worlds.world import World, WorldObject
from scenes.worlds.world_random import WorldRandom

FORMAT = 1  # raise it when the object of the same seed and config has other bytes (see test_golden_worlds)
WORLDS_JUDGED_AT_ONCE, WORLDS_RENDERED_AT_ONCE = 16, 8  # three times as fast as one by one
Item = TypeVar("Item")


@dataclass(frozen=True)
class MaskedObjectConfig:
    """The distribution that masked objects are drawn from.

    Args:
        world: configuration of the worlds, with one frame.
        bins: (least, most) occluded share of the silhouette, drawn with equal chance; empty to show each object alone.
        smallest: least visible pixels of an object, as a share of the image.
        per_world: consecutive seeds that share worlds, a divisor of a shard: more are faster and less diverse.
        sky: share of pictures whose room is open above some height: sky, without depth.
        resolution: voxels along an axis of the distance grid.
    """

    world: WorldConfig
    bins: Sequence[Sequence[float]] = ((0.0, 0.2), (0.2, 0.5), (0.5, 0.8))
    smallest: float = 0.01
    per_world: int = 1
    sky: float = 0.3
    resolution: int = 32

    def __post_init__(self) -> None:
        object.__setattr__(self, "bins", tuple(tuple(edges) for edges in self.bins))
        if self.world.frames != 1:
            raise ValueError(f"a masked object has one frame, but world.frames is {self.world.frames}; set it to 1")


@dataclass(frozen=True)
class WorldSolid:
    """An object of a world, as primitives."""

    obj: WorldObject
    watertight: bool = True

    def distance_grid(self, resolution: int) -> Float[Tensor, "x y z"]:
        """Evaluate its signed distance, see `distance_grid`."""
        return distance_grid(self.obj, resolution)


class MaskedObjectStore(ObjectStore):
    """A sequence of masked objects of procedural worlds, one for each seed, rendered once."""

    def __init__(self, config: MaskedObjectConfig, seeds: range, root: Path = Path("outputs/worlds")) -> None:
        self.config = config
        if shards.SHARD % config.per_world:
            raise ValueError(f"per_world must divide the {shards.SHARD} objects of a shard, got {config.per_world}")
        key = cache_key("masked objects", FORMAT, WORLD_FORMAT, asdict(config), shards.SHARD)
        super().__init__(key, seeds, root)

    @property
    def about(self) -> str:
        """Describe the objects in a model card."""
        world = self.config.world
        return f"{len(self)} masked objects of procedural worlds ({world.height} x {world.width} pixels)"

    def draw(self, seeds: range) -> list[MaskedObject]:
        """Draw and render the object of each seed."""
        return draw_masked_objects(seeds, self.config)

    def world_object(self, item: MaskedObject) -> WorldObject:
        """Draw the world of an item again and return its object, the exact solid."""
        return make_world(item.world_seed, self.config.world).objects[item.index]

    def solid(self, item: MaskedObject) -> WorldSolid:
        """Draw the world of an item again and return its object."""
        return WorldSolid(self.world_object(item))


def draw_masked_objects(seeds: range, config: MaskedObjectConfig) -> list[MaskedObject]:
    """Draw one object for each seed, as occluded as the bin of the seed says, and render it.

    Each group of `per_world` seeds shares worlds (see `seed_groups`); `seeds` must be whole groups. What a group draws
    does not depend on the others: worlds of many groups go through the renderer together for speed alone.

    Raises:
        ValueError: the worlds of a group hold too few objects that are large enough.
    """
    starts = range(0, len(seeds), config.per_world)
    groups = [
        SeedGroup.begin(seeds[k] // config.per_world, seeds[k : k + config.per_world], config.bins) for k in starts
    ]
    for attempt in range(MAX_WORLDS):
        waiting = [group for group in groups if group.waiting]
        for some in chunks(waiting, WORLDS_JUDGED_AT_ONCE):
            worlds = [make_world(group.world_seed(attempt), config.world) for group in some]
            shares = occluded_shares(worlds, config.smallest, alone=not config.bins)
            for group, world, of_world in zip(some, worlds, shares, strict=True):
                group.take(world, of_world)
    by_world: dict[int, list[ObjectDraw]] = {}
    for group in groups:
        group.settle(config.smallest)
        for draw in group.taken.values():
            by_world.setdefault(draw.world.seed if config.bins else draw.seed, []).append(draw)
    found: dict[int, MaskedObject] = {}
    for draws in chunks(list(by_world.values()), WORLDS_RENDERED_AT_ONCE):
        found |= render_selected(draws, config)
    return [found[seed] for seed in seeds]


def render_selected(draws: Sequence[Sequence[ObjectDraw]], config: MaskedObjectConfig) -> dict[int, MaskedObject]:
    """Render worlds and extract the objects drawn from each; without bins, render each object alone in its room."""
    worlds = [of_world[0].world for of_world in draws]
    if not config.bins:
        worlds = [replace(one.world, objects=(one.world.objects[one.index],)) for (one,) in draws]
    found = {}
    for world, clip, (_, full), of_world in zip(
        worlds, render(worlds, signals=()), silhouettes(worlds), draws, strict=True
    ):
        for draw in of_world:
            index = draw.index if config.bins else 0
            found[draw.seed] = extract_object(clip, draw, world, index, int(full[index]), config)
    return found


def extract_object(
    clip: Clip, draw: ObjectDraw, world: World, index: int, full: int, config: MaskedObjectConfig
) -> MaskedObject:
    """Extract object `index` of a rendered world; `full` is the number of pixels of its whole silhouette."""
    obj, rng, points = world.objects[index], draw.rng, clip.points()
    if clip.truth is None or clip.depth is None or clip.intrinsics is None or points is None:
        raise AssertionError("worlds come with truth, depth and cameras")
    image, depth, instances = clip.video[0], clip.depth[0], clip.truth.instances[0]
    if rng.chance(config.sky):
        sky = (instances == 0) & (points.xyz[0, ..., 2] > rng.uniform(0.2, 0.8) * world.room[2])
        image, depth = paint_sky(image, sky, rng), torch.where(sky, 0.0, depth)
    mask = instances == index + 1
    return MaskedObject(
        image=image,
        mask=mask,
        depth=depth,
        intrinsics=clip.intrinsics[0],
        cam_T_obj=invert(torch.tensor(world.cameras[0].world_T_cam())) @ clip.truth.world_T_obj[0, index],
        scale=torch.tensor(max(obj.size) / MARGIN),
        distance=distance_grid(obj, config.resolution),
        occlusion=torch.tensor(1 - int(mask.sum()) / full),
        family=obj.family,
        world_seed=world.seed,
        index=draw.index,
    )


def distance_grid(obj: WorldObject, resolution: int) -> Float[Tensor, "x y z"]:
    """Evaluate an object's signed distance at the voxel centres of its cube, in units of the cube."""
    scale = max(obj.size) / MARGIN
    centres = voxel_centres(resolution, torch.zeros(1))
    return (signed_distance(obj, scale * centres.reshape(-1, 3)) / scale).reshape(centres.shape[:3])


def paint_sky(
    image: UInt8[Tensor, "3 height width"], sky: Bool[Tensor, "height width"], rng: WorldRandom
) -> UInt8[Tensor, "3 height width"]:
    """Paint the sky in a blue or grey that fades towards the horizon."""
    blue, grey = torch.tensor([90.0, 140.0, 210.0]), torch.tensor([170.0, 175.0, 180.0])
    zenith = blue + rng.unit() * (grey - blue)
    fade = torch.linspace(0, 0.6, image.shape[1])[:, None]
    colour = zenith[:, None, None] * (1 - fade) + 245 * fade
    return torch.where(sky, colour.expand_as(image).round().to(torch.uint8), image)


def chunks(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    """Split a sequence into pieces of at most `size`."""
    return (items[k : k + size] for k in range(0, len(items), size))
