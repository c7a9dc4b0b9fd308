"""Mesh extraction from a decoded field: clean-up, marching cubes, vertex colours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from models.geometry.mesh import Mesh

try:
    from scipy.ndimage import generate_binary_structure, label
    from skimage.measure import marching_cubes
except ImportError:
    marching_cubes = None

GREY = 180  # of vertices without a known colour


@dataclass(frozen=True)
class ColouredMesh(Mesh):
    """Triangles with outward (counter-clockwise) winding, and an RGB colour a vertex."""

    colours: UInt8[Tensor, "vertex 3"]


def extract_mesh(inside: Float[Tensor, "x y z"], smallest: int | float = 0.05) -> ColouredMesh:
    """Extract the zero level of a field as a closed mesh in the cube [-0.5, 0.5]^3 of the object (z up).

    The field is minus a distance, or logits; not a binary grid, because interpolation between voxels needs magnitudes.
    An object that reaches the border is closed there. Vertices are grey until `coloured`.

    Args:
        inside: the field at voxel centres, positive inside.
        smallest: solid parts with fewer voxels than this share of the largest part are removed (floaters).

    Raises:
        ImportError: scikit-image or scipy is not installed.
        ValueError: the field is positive nowhere, or not finite.
    """
    if marching_cubes is None:
        raise ImportError("a mesh needs scikit-image and scipy: pip install 'region4d[geom]'")
    field = inside.detach().float().cpu().numpy()
    if not np.isfinite(field).all():
        raise ValueError("the decoded field is not finite; the model has diverged or its input is not normalised")
    if not (field > 0).any():
        raise ValueError(
            "the decoded field has no inside and therefore no surface; train the model or give another seed"
        )
    field = np.pad(without_floaters(field, smallest), 1, constant_values=-np.abs(field).max())
    vertices, faces, _, _ = marching_cubes(field, 0.0, gradient_direction="ascent", allow_degenerate=False)
    indices = torch.from_numpy(np.ascontiguousarray(vertices, dtype=np.float32))
    cube = (indices - 0.5) / torch.tensor(inside.shape) - 0.5  # voxel 0 is at index 1 of the padded grid
    colours = torch.full((len(cube), 3), GREY, dtype=torch.uint8)
    return ColouredMesh(cube, torch.from_numpy(faces.astype(np.int64)), colours)


def has_surface(inside: Float[Tensor, "x y z"]) -> bool:
    """Tell whether `extract_mesh` finds a surface in a field."""
    return bool(inside.isfinite().all()) and bool((inside > 0).any())


def without_floaters(field: np.ndarray, smallest: float) -> np.ndarray:
    """Move small solid parts outside; parts that touch by a corner count as one."""
    parts, count = label(field > 0, generate_binary_structure(3, 3))
    sizes = np.bincount(parts.ravel(), minlength=count + 1)
    sizes[0] = 0
    floaters = (sizes < smallest * sizes.max()) & (sizes > 0)
    return np.where(floaters[parts], -np.abs(field), field)


def coloured(mesh: ColouredMesh, colours: Float[Tensor, "vertex 3"]) -> ColouredMesh:
    """Paint the vertices with RGB in [0, 1]."""
    painted = (colours.detach().cpu().clamp(0, 1) * 255).round().to(torch.uint8)
    return ColouredMesh(mesh.vertices, mesh.faces, painted)
