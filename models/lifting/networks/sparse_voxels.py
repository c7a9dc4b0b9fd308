"""Voxels near a surface, and convolutions that visit only them: gather, multiply, scatter."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import product

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn

TAPS = tuple(product((-1, 0, 1), repeat=3))  # in the order of a dense kernel's 27 weights


@dataclass(frozen=True)
class SparseVoxels:
    """The active voxels of a batch of cubic grids, in the order (object, x, y, z), z fastest.

    `coords` are (object, x, y, z) and `side` is the number of voxels along an axis.
    """

    coords: Int64[Tensor, "voxel 4"]
    side: int

    @classmethod
    def from_mask(cls, active: Bool[Tensor, "object x y z"]) -> SparseVoxels:
        """List the active voxels of dense grids."""
        return cls(active.nonzero(), active.shape[-1])

    def __len__(self) -> int:
        return len(self.coords)

    @property
    def objects(self) -> Int64[Tensor, "voxel"]:
        """The object of each voxel."""
        return self.coords[:, 0]

    @cached_property
    def index(self) -> Int64[Tensor, "voxel"]:
        """The index of each voxel in the flattened dense grids, ascending."""
        return self._flat(self.coords)

    @cached_property
    def neighbours(self) -> list[tuple[Int64[Tensor, "pair"], Int64[Tensor, "pair"]]]:
        """For each of 27 taps, the voxels with an active neighbour there (first) and that neighbour (second)."""
        pairs = []
        for tap in TAPS:
            there = self.coords.clone()
            there[:, 1:] += torch.tensor(tap, device=there.device)
            inside = ((there[:, 1:] >= 0) & (there[:, 1:] < self.side)).all(-1)
            wanted = self._flat(there)
            source = torch.searchsorted(self.index, wanted).clamp_max(len(self) - 1)
            target = (inside & (self.index[source] == wanted)).nonzero()[:, 0]
            pairs.append((target, source[target]))
        return pairs

    def children(self) -> tuple[SparseVoxels, Int64[Tensor, "child"]]:
        """Split each voxel into its eight children. Returns them, in order, and the parent of each."""
        corner = torch.tensor(list(product((0, 1), repeat=3)), device=self.coords.device)
        xyz = rearrange(2 * self.coords[:, None, 1:] + corner, "v c k -> (v c) k")
        parent = torch.arange(len(self), device=xyz.device).repeat_interleave(8)
        unordered = SparseVoxels(torch.cat([self.objects[parent][:, None], xyz], -1), 2 * self.side)
        order = unordered.index.argsort()
        return SparseVoxels(unordered.coords[order], unordered.side), parent[order]

    def gather(self, dense: Float[Tensor, "object channel x y z"]) -> Float[Tensor, "voxel channel"]:
        """Read dense grids at the active voxels."""
        b, x, y, z = self.coords.unbind(-1)
        return dense[b, :, x, y, z]

    def scatter(
        self, values: Float[Tensor, "voxel channel"], dense: Float[Tensor, "object channel x y z"]
    ) -> Float[Tensor, "object channel x y z"]:
        """Write values into a copy of dense grids."""
        b, x, y, z = self.coords.unbind(-1)
        written = dense.clone()
        written[b, :, x, y, z] = values
        return written

    def centres(self) -> Float[Tensor, "voxel 3"]:
        """List the centres of the voxels in the cube [-0.5, 0.5]^3."""
        return (self.coords[:, 1:].float() + 0.5) / self.side - 0.5

    def _flat(self, coords: Tensor) -> Tensor:
        b, x, y, z = coords.unbind(-1)
        return ((b * self.side + x) * self.side + y) * self.side + z


def near_surface(inside: Float[Tensor, "object x y z"], reach: int = 1) -> Bool[Tensor, "object x y z"]:
    """Mark voxels near the surface: the field has both signs within `reach` voxels along every axis."""
    filled = (inside > 0).float()[:, None]
    size = 2 * reach + 1
    any_filled, all_filled = (sign * F.max_pool3d(sign * filled, size, 1, reach) for sign in (1, -1))
    return (any_filled > all_filled)[:, 0]


class SparseConv3d(nn.Module):
    """Convolve the 27 neighbours of each active voxel; inactive ones count as 0 and remain inactive.

    On a full grid, equal to `torch.nn.functional.conv3d` with padding 1.
    Source: submanifold sparse convolution (arXiv 1706.01307).
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        dense = nn.Conv3d(inputs, outputs, 3)  # for its initial weights
        self.weight = nn.Parameter(rearrange(dense.weight.detach(), "o i x y z -> (x y z) i o").contiguous())
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, features: Float[Tensor, "voxel channel"], voxels: SparseVoxels) -> Float[Tensor, "voxel out"]:
        """Gather each tap's neighbours, multiply by its weight, scatter the sums."""
        output: Tensor = self.bias.expand(len(features), -1)
        for (target, source), weight in zip(voxels.neighbours, self.weight, strict=True):
            output = output.index_add(0, target, features[source] @ weight)
        return output
