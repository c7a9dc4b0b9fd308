"""Objects of procedural worlds as a lift meets them: a picture, the pixels of one object, depth; and the truth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import torch
from jaxtyping import Bool, Float, Int64, UInt8
from torch import Tensor

from models.geometry import invert, voxel_centres
from scenes.clip import Clip
from scenes.storage import shards
from scenes.storage.cache_key import cache_key
from scenes.storage.shards import ShardStore, shard_note
from scenes.worlds import WorldConfig, make_world, render
from scenes.worlds.dice import Dice
from scenes.worlds.objects.primitives import Shape
from scenes.worlds.objects.solid import signed_distance
from scenes.worlds.rendering.cast import ROOM, depth_key, shape_candidates
from scenes.worlds.rendering.packing import pack
from scenes.worlds.rendering.render import one_thread
from scenes.worlds.store import FORMAT as WORLD_FORMAT
from scenes.worlds.world import World, WorldObject

FORMAT = 1  # raise it when the object of the same seed and config has other bytes (see test_golden_worlds)
MARGIN = 0.9  # largest side of an object in its cube: a surface at the border would be cut off (specs/sam3d.md 4.2)
ATTEMPTS = 24  # worlds drawn for one object before the most occluded one so far is taken
LOOK_AT_ONCE, RENDER_AT_ONCE = 16, 8  # worlds in a batch: three times as fast as one by one
LOOK = 2  # occlusion is first judged at this fraction of the resolution
TENSORS = ("image", "mask", "depth", "intrinsics", "cam_T_obj", "scale", "distance", "occlusion")
Item = TypeVar("Item")


@dataclass(frozen=True)
class MaskedObjectConfig:
    """What masked objects are drawn from.

    Args:
        world: of the pictures; one frame.
        bins: (least, most) hidden share of the silhouette, drawn with equal chance; none shows each object alone.
        smallest: visible pixels of an object, as a share of the picture.
        per_world: consecutive seeds that share worlds, a divisor of a shard: more are quicker to draw and less diverse.
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
            raise ValueError(f"masked objects are seen in one frame: set world.frames to 1, not {self.world.frames}")


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
    occlusion: Float[Tensor, ""]  # hidden share of the silhouette, within the picture
    family: str
    world_seed: int
    index: int  # of the object in its world


class MaskedObjectStore(ShardStore[MaskedObject]):
    """A sequence of masked objects, one for each seed, rendered once."""

    def __init__(self, config: MaskedObjectConfig, seeds: range, root: Path = Path("outputs/worlds")) -> None:
        self.config = config
        if shards.SHARD % config.per_world:
            raise ValueError(f"objects per world must divide the {shards.SHARD} of a shard, got {config.per_world}")
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
        """Read all objects at once, one row each, as they lie on disk: distances in half precision."""
        parts = []
        for shard in self._shards():
            file, first = self._load(shard), shard * shards.SHARD
            rows = slice(max(self.seeds.start - first, 0), min(self.seeds.stop - first, shards.SHARD))
            parts.append({name: file.get_slice(name)[rows] for name in TENSORS})
        return {name: torch.cat([part[name] for part in parts]) for name in TENSORS}

    def thing(self, item: MaskedObject) -> WorldObject:
        """Draw the world of an item again, for the exact solid of its object."""
        return make_world(item.world_seed, self.config.world).objects[item.index]


def draw_masked_object(seed: int, config: MaskedObjectConfig) -> MaskedObject:
    """Draw the object of one seed, see `draw_masked_objects`; it knows the other seeds of its group by itself."""
    first = seed - seed % config.per_world
    return draw_masked_objects(range(first, first + config.per_world), config)[seed - first]


def draw_masked_objects(seeds: range, config: MaskedObjectConfig) -> list[MaskedObject]:
    """Draw worlds until they hold objects that are as hidden as the bins of the seeds ask for, and render those.

    Each group of `per_world` seeds has worlds of its own and takes as many objects from one as fit. After ATTEMPTS
    worlds the most hidden object of them, within all bins, is taken. `seeds` are whole groups; what is drawn for one
    does not depend on the others.
    """
    groups = [Group.begin(seeds[k : k + config.per_world], config) for k in range(0, len(seeds), config.per_world)]
    for attempt in range(ATTEMPTS):
        waiting = [group for group in groups if group.waiting]
        for some in chunks(waiting, LOOK_AT_ONCE):
            worlds = [make_world(group.number * ATTEMPTS + attempt, config.world) for group in some]
            for group, world, shares in zip(some, worlds, hidden_shares(worlds, config), strict=True):
                group.take(world, shares)
    for group in groups:
        group.settle()
    wanted: dict[int, list[Choice]] = {}  # world -> what is taken from it
    for group in groups:
        for choice in group.chosen.values():
            wanted.setdefault(choice.world.seed if config.bins else choice.seed, []).append(choice)
    found: dict[int, MaskedObject] = {}
    for taken in chunks(list(wanted.values()), RENDER_AT_ONCE):
        found |= look(taken, config)
    return [found[seed] for seed in seeds]


@dataclass(frozen=True)
class Choice:
    """An object of a world that a seed takes."""

    seed: int
    world: World
    index: int
    dice: Dice


@dataclass
class Group:
    """Seeds that share worlds, and what each has found so far."""

    number: int
    config: MaskedObjectConfig
    waiting: dict[int, tuple[Dice, tuple[float, float]]]  # seed -> its draws, its bin
    chosen: dict[int, Choice] = field(default_factory=dict)
    seen: list[tuple[float, int, int, World]] = field(default_factory=list)  # hidden, world seed, index

    @classmethod
    def begin(cls, seeds: range, config: MaskedObjectConfig) -> Group:
        """Draw the bin of each seed."""
        waiting = {}
        for seed in seeds:
            dice = Dice(seed)
            least, most = dice.choice(config.bins) if config.bins else (0.0, 1.0)
            waiting[seed] = dice, (least, most)
        return cls(seeds[0] // config.per_world, config, waiting)

    def take(self, world: World, shares: Sequence[tuple[int, float]]) -> None:
        """Give each waiting seed an object of this world that fits it and that no other has."""
        limit = self.config.bins[-1][1] if self.config.bins else 1.0
        free = {index: hidden for index, hidden in shares if hidden < limit}
        for seed, (dice, (least, most)) in list(self.waiting.items()):
            fits = [index for index, hidden in free.items() if least <= hidden < most]
            if fits:
                self._choose(seed, world, dice.choice(fits), dice)
                del free[self.chosen[seed].index]
        self.seen += [(hidden, world.seed, index, world) for index, hidden in free.items()]

    def settle(self) -> None:
        """Give the seeds that wait still the most hidden objects that were seen."""
        for seed, (dice, _) in list(self.waiting.items()):
            if not self.seen:
                share = f"{self.config.smallest:.1%}"
                raise ValueError(f"no object of {ATTEMPTS} worlds shows {share} of the picture: ask for less")
            most = max(self.seen, key=lambda one: one[:3])
            self.seen.remove(most)
            self._choose(seed, most[3], most[2], dice)

    def _choose(self, seed: int, world: World, index: int, dice: Dice) -> None:
        self.chosen[seed] = Choice(seed, world, index, dice)
        del self.waiting[seed]


def hidden_shares(worlds: Sequence[World], config: MaskedObjectConfig) -> list[list[tuple[int, float]]]:
    """List the objects of each world that are large enough in the picture, and the share of each that others hide."""
    height, width = worlds[0].config.height // LOOK, worlds[0].config.width // LOOK
    small = [replace(world, config=replace(world.config, height=height, width=width)) for world in worlds]
    listed = []
    for visible, full in silhouettes(small):
        visible = visible if config.bins else full
        large = (visible >= max(1, config.smallest * height * width)).nonzero()[:, 0].tolist()
        listed.append([(index, 1 - int(visible[index]) / int(full[index])) for index in large])
    return listed


def silhouettes(worlds: Sequence[World]) -> list[tuple[Int64[Tensor, "object"], Int64[Tensor, "object"]]]:
    """Count the pixels where each object of each world is seen, and where it would be if it were alone."""
    with one_thread():
        scene = pack(worlds, "cpu")
        rays = [shape_candidates(scene, shape) for shape in Shape]
        pixel, t, entry = (torch.cat([getattr(some, name) for some in rays]) for name in ("pixel", "t", "entry"))
        thing, area = scene.primitive_object[entry // scene.frames], scene.height * scene.width
        alone = torch.zeros(len(scene.object_world), area, dtype=torch.bool)
        alone[thing, pixel % area] = True
        nearest = torch.full((scene.views * area,), torch.iinfo(torch.int64).max)
        nearest.scatter_reduce_(0, pixel, depth_key(t, torch.arange(len(t))), "amin")
        first = nearest[nearest < torch.iinfo(torch.int64).max] & ROOM
        visible = torch.bincount(thing[first], minlength=len(alone))
        counts = [len(world.objects) for world in worlds]
        return list(zip(visible.split(counts), alone.sum(1).split(counts), strict=True))


def look(wanted: Sequence[Sequence[Choice]], config: MaskedObjectConfig) -> dict[int, MaskedObject]:
    """Render worlds, each with the objects that are taken from it, or the objects alone where there are no bins."""
    worlds = [choices[0].world for choices in wanted]
    if not config.bins:
        worlds = [replace(one[0].world, objects=(one[0].world.objects[one[0].index],)) for one in wanted]
    found = {}
    for world, clip, (_, full), choices in zip(
        worlds, render(worlds, signals=()), silhouettes(worlds), wanted, strict=True
    ):
        for choice in choices:
            found[choice.seed] = cut(clip, choice, world, int(full[choice.index if config.bins else 0]), config)
    return found


def cut(clip: Clip, choice: Choice, world: World, full: int, config: MaskedObjectConfig) -> MaskedObject:
    """Take one object out of a rendered world; `full` counts the pixels of its whole silhouette."""
    place = choice.index if config.bins else 0
    thing, dice, points = world.objects[place], choice.dice, clip.points()
    if clip.truth is None or clip.depth is None or clip.intrinsics is None or points is None:
        raise AssertionError("worlds come with truth, depth and cameras")
    image, depth, instances = clip.video[0], clip.depth[0], clip.truth.instances[0]
    if dice.chance(config.sky):
        sky = (instances == 0) & (points.xyz[0, ..., 2] > dice.uniform(0.2, 0.8) * world.room[2])
        image, depth = paint_sky(image, sky, dice), torch.where(sky, 0.0, depth)
    mask = instances == place + 1
    return MaskedObject(
        image=image,
        mask=mask,
        depth=depth,
        intrinsics=clip.intrinsics[0],
        cam_T_obj=invert(torch.tensor(world.cameras[0].world_T_cam())) @ clip.truth.world_T_obj[0, place],
        scale=torch.tensor(max(thing.size) / MARGIN),
        distance=distance_grid(thing, config.resolution),
        occlusion=torch.tensor(1 - int(mask.sum()) / full),
        family=thing.family,
        world_seed=world.seed,
        index=choice.index,
    )


def distance_grid(thing: WorldObject, resolution: int) -> Float[Tensor, "x y z"]:
    """Evaluate an object's signed distance at the voxel centres of its cube, in units of the cube."""
    scale = max(thing.size) / MARGIN
    centres = voxel_centres(resolution, torch.zeros(1))
    return (signed_distance(thing, scale * centres.reshape(-1, 3)) / scale).reshape(centres.shape[:3])


def paint_sky(
    image: UInt8[Tensor, "3 height width"], sky: Bool[Tensor, "height width"], dice: Dice
) -> UInt8[Tensor, "3 height width"]:
    """Paint pixels in a blue or grey that pales towards the horizon."""
    blue, grey = torch.tensor([90.0, 140.0, 210.0]), torch.tensor([170.0, 175.0, 180.0])
    zenith = blue + dice.unit() * (grey - blue)
    fade = torch.linspace(0, 0.6, image.shape[1])[:, None]
    colour = zenith[:, None, None] * (1 - fade) + 245 * fade
    return torch.where(sky, colour.expand_as(image).round().to(torch.uint8), image)


def chunks(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    """Cut a sequence into pieces of at most `size`."""
    return (items[k : k + size] for k in range(0, len(items), size))
