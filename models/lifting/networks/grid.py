"""Regular grids over the cube of an object: voxel centres, truncated distances, and the order of latent tokens.

The cube is [-0.5, 0.5]^3 in the frame of the object (z up), without unit: the pose's scale gives its side in metres.
Voxel i of n has its centre at (i + 0.5) / n - 0.5, and grids are indexed [x, y, z].
"""

from __future__ import annotations

from einops import rearrange
from jaxtyping import Float
from torch import Tensor

TRUNCATION = 3.0  # voxels; larger distances do not locate the surface


def truncated_distance(distance: Float[Tensor, "*object x y z"]) -> Float[Tensor, "*object x y z"]:
    """Clip signed distances (units of the cube, negative inside) to 3 voxels and scale them to [-1, 1]."""
    return (distance * (distance.shape[-1] / TRUNCATION)).clamp(-1, 1)


def to_tokens(latent: Float[Tensor, "object channel x y z"], patch: int = 1) -> Float[Tensor, "object token feature"]:
    """Flatten a grid to tokens in the order (x, y, z), z fastest; `patch`^3 neighbours become features of one token.

    Source: the order of SAM 3D's shape latent, specs/sam3d.md 2.2.
    """
    tokens: Tensor = rearrange(latent, "b c (x i) (y j) (z k) -> b (x y z) (i j k c)", i=patch, j=patch, k=patch)
    return tokens


def from_tokens(
    tokens: Float[Tensor, "object token feature"], side: int, patch: int = 1
) -> Float[Tensor, "object channel x y z"]:
    """Invert `to_tokens` for a grid of `side` voxels along each axis."""
    across = side // patch
    latent: Tensor = rearrange(
        tokens,
        "b (x y z) (i j k c) -> b c (x i) (y j) (z k)",
        **{"x": across, "y": across, "z": across, "i": patch, "j": patch, "k": patch},
    )
    return latent
