"""Masked objects of meshes in arrangements, rendered once into shards."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor

from models.geometry import invert
from scenes.arrangements.arrangement import Arrangement, ArrangementConfig, arrange
from scenes.arrangements.rendering import Picture, picture
from scenes.masked_object import MaskedObject, ObjectStore
from scenes.meshes.solid import MeshSolid
from scenes.meshes.sources import MeshSource
from scenes.meshes.textured_mesh import TexturedMesh
from scenes.storage.cache_key import cache_key
from scenes.worlds.world_random import WorldRandom

FORMAT = 1  # raise it when the object of the same seed, source and config has other bytes (see test_store)
SHARD = 64  # items in a file: fewer than of worlds, because a mesh takes longer to read than a room to draw
TRIES = 60  # arrangements drawn for a seed
NEIGHBOURS = 16  # objects of the source that are seen together: few, so that each is read once for many pictures
KEPT = 48  # objects in memory
SENSOR_STREAM, GRAIN_STREAM = 0xDE97, 0x5EED  # keep the noises of a seed apart from its other draws


class MeshObjectStore(ObjectStore):
    """A sequence of masked objects of a source, one for each seed: seed k shows object k modulo their number.

    Args:
        source: of the objects, which also stand around.
        config: of the arrangements.
        seeds: of the items.
        root: folder of the shards.
    """

    work, method = "rendering meshes", "render"

    def __init__(
        self, source: MeshSource, config: ArrangementConfig, seeds: range, root: Path = Path("outputs/meshes")
    ) -> None:
        self.source, self.config = source, config
        key = cache_key("masked meshes", FORMAT, source.identity, asdict(config), SHARD)
        super().__init__(key, seeds, root, SHARD)

    @property
    def about(self) -> str:
        """Describe the objects in a model card."""
        places = ", ".join(self.config.places)
        size = f"{self.config.height} x {self.config.width} pixels"
        return f"{len(self)} pictures ({size}) of {self.source.about}, on {places}"

    def draw(self, seeds: range) -> list[MaskedObject]:
        """Draw and render the object of each seed."""
        objects = lru_cache(KEPT)(self.source.__getitem__)
        grids = lru_cache(KEPT)(lambda index: objects(index).distance_grid(self.config.resolution))
        drawn = []
        for seed in seeds:
            indices, arrangement, seen = self._fitting(seed, objects)
            drawn.append(self._item(seed, indices[0], objects(indices[0]).name, grids(indices[0]), arrangement, seen))
        return drawn

    def solid(self, item: MaskedObject) -> MeshSolid:
        """Read the object of an item again, without its looks."""
        solid = self.source[item.index]
        mesh = solid.looks.mesh
        return replace(solid, looks=TexturedMesh(mesh, torch.zeros_like(mesh.vertices)))

    def cluster(self, item: MaskedObject, seed: int) -> str:
        """Name the object: its pictures depend on each other."""
        return item.family

    def _fitting(self, seed: int, objects: Callable[[int], MeshSolid]) -> tuple[Sequence[int], Arrangement, Picture]:
        """Draw arrangements until the object is large enough and not too hidden."""
        config, rng = self.config, WorldRandom(seed)
        first = seed % len(self.source)
        block = range(first - first % NEIGHBOURS, min(first - first % NEIGHBOURS + NEIGHBOURS, len(self.source)))
        for _ in range(TRIES):
            others = [rng.choice(block) for _ in range(rng.integer(*config.clutter))]
            solids = [objects(index) for index in (first, *others)]
            sizes = [tuple(solid.extents.tolist()) for solid in solids]
            arrangement = arrange(rng, sizes, config)
            looks = [solids[placed.index].looks for placed in arrangement.placed]
            grain = torch.Generator().manual_seed(seed ^ GRAIN_STREAM)
            seen = picture(arrangement, looks, config.height, config.width, grain)
            visible, full = int(seen.mask.sum()), int(seen.silhouette.sum())
            if visible >= config.smallest * seen.mask.numel() and visible >= (1 - config.most_hidden) * full:
                return (first, *others), arrangement, seen
        raise ValueError(
            f"no picture of {objects(first).name} shows {config.smallest:.1%} of its pixels in {TRIES} arrangements; "
            "choose a smaller `smallest`, a larger `apparent` or `most_hidden`, or leave the mesh out"
        )

    def _item(
        self, seed: int, index: int, name: str, distance: Tensor, arrangement: Arrangement, seen: Picture
    ) -> MaskedObject:
        depth, sensor = seen.depth, self.config.sensor
        if sensor is not None:
            noise = torch.Generator().manual_seed(seed ^ SENSOR_STREAM)
            depth = sensor.apply(depth, seen.image, seen.intrinsics, noise)
        of = arrangement.placed[0]
        return MaskedObject(
            image=seen.image,
            mask=seen.mask,
            depth=depth,
            intrinsics=seen.intrinsics,
            cam_T_obj=invert(arrangement.world_T_cam) @ of.world_T_obj(),
            scale=torch.tensor(of.scale),
            distance=distance,
            occlusion=torch.tensor(1 - int(seen.mask.sum()) / int(seen.silhouette.sum())),
            family=name,
            world_seed=seed,
            index=index,
        )
