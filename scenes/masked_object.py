"""A masked object and its truth, and the base of the stores that hold rendered ones."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from scenes.storage.shards import ShardStore, shard_note

MARGIN = 0.9  # largest side of an object in its cube: a surface at the border would be cut off (specs/sam3d.md 4.2)
TENSORS = ("image", "mask", "depth", "intrinsics", "cam_T_obj", "scale", "distance", "occlusion")


@dataclass(frozen=True)
class MaskedObject:
    """One object of a picture and its truth. A vertex v of its cube is at R (scale * v) + t of the camera."""

    image: UInt8[Tensor, "3 height width"]
    mask: Bool[Tensor, "height width"]  # visible pixels; of a photographed object perhaps none
    depth: Float[Tensor, "height width"]  # metres, 0 where unknown
    intrinsics: Float[Tensor, "3 3"]
    cam_T_obj: Float[Tensor, "4 4"]  # NaN where a photo does not tell it
    scale: Float[Tensor, ""]  # side of the cube, metres; NaN as `cam_T_obj`
    distance: Float[Tensor, "x y z"]  # signed, at voxel centres, in units of the cube, negative inside
    occlusion: Float[Tensor, ""]  # occluded share of the silhouette in the picture; NaN: unknown
    family: str  # or name, of a mesh
    world_seed: int
    index: int  # of the object in its world, or in its source


@runtime_checkable
class Solid(Protocol):
    """The exact shape of an object."""

    @property
    def watertight(self) -> bool:
        """Whether its inside is beyond doubt."""

    def distance_grid(self, resolution: int) -> Float[Tensor, "x y z"]:
        """Evaluate its signed distance at the voxel centres of its cube, in units of the cube, negative inside."""


class ObjectStore(ShardStore[MaskedObject]):
    """A sequence of masked objects, one for each seed, rendered once."""

    @property
    @abstractmethod
    def about(self) -> str:
        """Describe the objects in a model card."""

    @property
    def origin(self) -> str:
        """Say in a report, after their number, where the objects come from."""
        return f"from seed {self.seeds.start}"

    @abstractmethod
    def draw(self, seeds: range) -> list[MaskedObject]:
        """Draw and render the object of each seed."""

    @abstractmethod
    def solid(self, item: MaskedObject) -> Solid:
        """Make the exact shape of an item again."""

    def cluster(self, item: MaskedObject, seed: int) -> str:
        """Name what an item shares with others that depend on it: by default nothing, as every seed is its own."""
        return str(seed)

    def generate(self, seeds: range) -> tuple[dict[str, Tensor], Any]:
        """Draw the objects of these seeds."""
        drawn = self.draw(seeds)
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
            file, first = self._load(shard), shard * self.size
            rows = slice(max(self.seeds.start - first, 0), min(self.seeds.stop - first, self.size))
            parts.append({name: file.get_slice(name)[rows] for name in TENSORS})
        return {name: torch.cat([part[name] for part in parts]) for name in TENSORS}
