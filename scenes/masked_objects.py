"""Objects of procedural worlds as a lift meets them: a picture, the pixels of one object, depth; and the truth."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from models.geometry import invert, voxel_centres
from scenes.shards import SHARD, ShardStore, shard_note
from scenes.worlds import WorldConfig, make_world, render
from scenes.worlds.dice import Dice
from scenes.worlds.solid import signed_distance
from scenes.worlds.store import source_digest
from scenes.worlds.world import World, WorldObject

MARGIN = 0.9  # largest side of an object in its cube: a surface at the border would be cut off (specs/sam3d.md 4.2)
ATTEMPTS = 24  # worlds drawn for one object before the most occluded one so far is taken
LOOK = 2  # occlusion is first judged at this fraction of the resolution
TENSORS = ("image", "mask", "depth", "intrinsics", "cam_T_obj", "scale", "distance", "occlusion")


@dataclass(frozen=True)
class MaskedObjectConfig:
    """What masked objects are drawn from.

    Args:
        world: of the pictures; one frame.
        bins: (least, most) hidden share of the silhouette, drawn with equal chance; none shows each object alone.
        smallest: visible pixels of an object, as a share of the picture.
        sky: share of pictures whose room is open above some height: sky, without depth.
        resolution: voxels along an axis of the distance grid.
    """

    world: WorldConfig
    bins: Sequence[Sequence[float]] = ((0.0, 0.2), (0.2, 0.5), (0.5, 0.8))
    smallest: float = 0.01
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
        sources = source_digest() + Path(__file__).read_text()
        text = json.dumps([asdict(config), SHARD, sources], sort_keys=True)
        super().__init__(hashlib.sha256(text.encode()).hexdigest()[:16], seeds, root)

    def generate(self, seeds: range) -> tuple[dict[str, Tensor], Any]:
        """Draw the objects of these seeds."""
        drawn = [draw_masked_object(seed, self.config) for seed in seeds]
        tensors = {name: torch.stack([getattr(item, name) for item in drawn]) for name in TENSORS}
        tensors["distance"] = tensors["distance"].half()
        return tensors, [(item.family, item.world_seed, item.index) for item in drawn]

    def read(self, file: Any, row: int, seed: int) -> MaskedObject:
        """Read one object."""
        tensors = {name: file.get_slice(name)[row] for name in TENSORS}
        family, world_seed, index = shard_note(file)[row]
        tensors["distance"] = tensors["distance"].float()
        return MaskedObject(**tensors, family=family, world_seed=world_seed, index=index)

    def thing(self, item: MaskedObject) -> WorldObject:
        """Draw the world of an item again, for the exact solid of its object."""
        return make_world(item.world_seed, self.config.world).objects[item.index]


def draw_masked_object(seed: int, config: MaskedObjectConfig) -> MaskedObject:
    """Draw worlds until one holds an object that is as hidden as the seed's bin asks for, and render it.

    After ATTEMPTS worlds the most hidden object of them, within all bins, is taken.
    """
    dice = Dice(seed)
    least, most = dice.choice(config.bins) if config.bins else (0.0, 1.0)
    limit = config.bins[-1][1] if config.bins else 1.0
    best: tuple[float, int, int] | None = None
    for world_seed in range(seed * ATTEMPTS, (seed + 1) * ATTEMPTS):
        seen = [place for place in hidden_shares(make_world(world_seed, config.world), config) if place[1] < limit]
        fits = [index for index, hidden in seen if least <= hidden < most]
        if fits:
            return _look(world_seed, dice.choice(fits), dice, config)
        best = max([(hidden, world_seed, index) for index, hidden in seen] + ([best] if best else []), default=None)
    if best is None:
        raise ValueError(f"no object of {ATTEMPTS} worlds shows {config.smallest:.1%} of the picture: ask for less")
    return _look(*best[1:], dice, config)


def hidden_shares(world: World, config: MaskedObjectConfig) -> list[tuple[int, float]]:
    """List the objects that are large enough in the picture, and the share of each silhouette that others hide."""
    whole = world.config
    small = replace(world, config=replace(whole, height=whole.height // LOOK, width=whole.width // LOOK))
    clips = render([small, *(replace(small, objects=(thing,)) for thing in world.objects)], signals=())
    together, *alone = (clip.truth.instances for clip in clips if clip.truth is not None)
    found = []
    for index, silhouette in enumerate(alone):
        full = int((silhouette > 0).sum())
        visible = int((together == index + 1).sum()) if config.bins else full
        if visible >= max(1, config.smallest * together.numel()):
            found.append((index, 1 - visible / full))
    return found


def _look(world_seed: int, index: int, dice: Dice, config: MaskedObjectConfig) -> MaskedObject:
    """Render a world, or its object alone where there are no bins."""
    world = make_world(world_seed, config.world)
    thing = world.objects[index]
    lonely = replace(world, objects=(thing,))
    clip, alone = render([world if config.bins else lonely, lonely], signals=())
    place = index if config.bins else 0
    points = clip.points()
    if clip.truth is None or alone.truth is None or clip.depth is None or clip.intrinsics is None or points is None:
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
        occlusion=torch.tensor(1 - int(mask.sum()) / int((alone.truth.instances[0] > 0).sum())),
        family=thing.family,
        world_seed=world_seed,
        index=index,
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
