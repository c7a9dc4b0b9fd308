"""Triangle meshes."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float, Int64
from torch import Tensor


@dataclass(frozen=True)
class Mesh:
    """Triangles with outward (counter-clockwise) winding."""

    vertices: Float[Tensor, "vertex 3"]
    faces: Int64[Tensor, "face 3"]
