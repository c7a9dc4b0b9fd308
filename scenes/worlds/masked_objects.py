"""Masked objects of procedural worlds: a picture, the pixels of one object, depth; and the object's exact truth.

How a seed gets its object: its bin says how occluded the object is (`seed_groups`), worlds are drawn and judged by
silhouettes until one fits (`occlusion`), and that world is rendered and the object extracted (here).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from models.geometry import invert, voxel_centres
from scenes.clip import Clip
from scenes.storage import shards
from scenes.storage.cache_key import cache_key
from scenes.storage.shards import ShardStore, shard_note
from scenes.worlds import WorldConfig, make_world, render
from scenes.worlds.objects.solid import signed_distance
from scenes.worlds.occlusion import occluded_shares, silhouettes
from scenes.worlds.seed_groups import MAX_WORLDS, ObjectDraw, SeedGroup
from scenes.worlds.store import FORMAT as WORLD_FORMAT
from scenes.worlds.world import World, WorldObject
from scenes.worlds.world_random import WorldRandom

FORMAT = 1  # raise it when the object of the same seed and config has other bytes (see test_golden_worlds)
MARGIN = 0.9  # largest side of an object in its cube: a surface at the border would be cut off (specs/sam3d.md 4.2)
WORLDS_JUDGED_AT_ONCE, WORLDS_RENDERED_AT_ONCE = 16, 8  # three times as fast as one by one
TENSORS = ("image", "mask", "depth", "intrinsics", "cam_T_obj", "scale", "distance", "occlusion")
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
class MaskedObject:
    """One object of a picture and its truth. A vertex v of its cube is at R (scale * v) + t of the camera."""

    image: UInt8[Tensor, "3 height width"]
    mask: Bool[Tensor, "height width"]  # visible pixels
    depth: Float[Tensor, "height width"]  # metres, 0 where unknown
    intrinsics: Float[Tensor, "3 3"]
    cam_T_obj: Float[Tensor, "4 4"]
    scale: Float[Tensor, ""]  # side of the cube, metres
    distance: Float[Tensor, "x y z"]  # signed, at voxel centres, in units of the cube, negative inside
    occlusion: Float[Tensor, ""]  # occluded share of the silhouette, within the picture
    family: str
    world_seed: int
    index: int  # of the object in its world


class MaskedObjectStore(ShardStore[MaskedObject]):
    """A sequence of masked objects, one for each seed, rendered once."""

    def __init__(self, config: MaskedObjectConfig, seeds: range, root: Path = Path("outputs/worlds")) -> None:
        self.config = config
        if shards.SHARD % config.per_world:
            raise ValueError(f"per_world must divide the {shards.SHARD} objects of a shard, got {config.per_world}")
        key = cache_key("masked objects", FORMAT, WORLD_FORMAT, asdict(config), shards.SHARD)
        super().__init__(key, seeds, root)

    def generate(self, seeds: range) -> tuple[dict[str, Tensor], Any]:
        """Draw the objects of these seeds."""
        drawn = draw_masked_objects(seeds, self.config)
        tensors = {name: torch.stack([getattr(item, name) for item in drawn]) for name in TENSORS}
        tensors["distance"] = tensors["distance"].half()
        return tensors, [(item.family, item.world_seed, item.index) for item in drawn]

    def read(self, file: Any, row: int, seed: int) -> MaskedObject:
        """Read one object."""
        tensors = {name: file.get_slice(name)[row] for name in TENSORS}
        family, world_seed, index = shard_note(file)[row]
        tensors["distance"] = tensors["distance"].float()
        return MaskedObject(**tensors, family=family, world_seed=world_seed, index=index)

    def stacked(self) -> dict[str, Tensor]:
        """Read all objects at once, one row each, with distances in half precision as on disk."""
        parts = []
        for shard in self._shards():
            file, first = self._load(shard), shard * shards.SHARD
            rows = slice(max(self.seeds.start - first, 0), min(self.seeds.stop - first, shards.SHARD))
            parts.append({name: file.get_slice(name)[rows] for name in TENSORS})
        return {name: torch.cat([part[name] for part in parts]) for name in TENSORS}

    def world_object(self, item: MaskedObject) -> WorldObject:
        """Draw the world of an item again and return its object, the exact solid."""
        return make_world(item.world_seed, self.config.world).objects[item.index]


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
