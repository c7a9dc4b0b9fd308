"""Triangle meshes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor


@dataclass(frozen=True)
class Mesh:
    """Triangles with outward (counter-clockwise) winding."""

    vertices: Float[Tensor, "vertex 3"]
    faces: Int64[Tensor, "face 3"]


def sphericity(mesh: Mesh) -> float:
    """Divide the area of a ball of the same volume by the area of a closed mesh: 1 for a ball, less for what is thin.

    Source: Wadell, "Volume, shape, and roundness of quartz particles" (1935).
    """
    a, b, c = mesh.vertices.double()[mesh.faces].unbind(1)
    normal = torch.linalg.cross(b - a, c - a)  # twice the area of each triangle
    area, volume = float(normal.norm(dim=-1).sum()) / 2, abs(float((a * normal).sum())) / 6
    return math.pi ** (1 / 3) * (6 * volume) ** (2 / 3) / area if area > 0 else 0.0
