"""Colours of a mesh from its picture: those of visible vertices, continued over the hidden ones; and its texture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from models.geometry import project
from models.geometry.mesh import Mesh
from models.lifting.inputs.masked_picture import MaskedPicture
from models.lifting.meshes.ray_casting import visible_vertices

try:
    from scipy.ndimage import binary_erosion, distance_transform_edt
    from scipy.sparse import coo_array, diags_array
    from scipy.sparse.linalg import spsolve
except ImportError:
    spsolve = None

BORDER = 4  # pixels of the photo around the mask, filled with the nearest colour inside
WEAK = 1e-6  # pull towards the mean visible colour, which decides where no visible vertex is connected


@dataclass(frozen=True)
class PhotoTexture:
    """A part of a photo that a mesh wears on its visible side, at the photo's own resolution.

    `image` is sRGB; outside of the mask it continues the colours of its rim. `pixels` are the vertices in it (x, y;
    centre of the first pixel at 0.5), and `seen` says for which vertices they hold.
    """

    image: UInt8[Tensor, "3 height width"]
    pixels: Float[Tensor, "vertex 2"]
    seen: Bool[Tensor, "vertex"]


def see_vertices(
    mesh: Mesh, picture: MaskedPicture, intrinsics: Float[Tensor, "3 3"], tolerance: float
) -> tuple[Float[Tensor, "vertex 3"], Bool[Tensor, "vertex"]]:
    """Look up the colours of vertices (camera frame) in the picture, and mark those that it shows.

    A vertex is seen where no part of the mesh hides it, it lies on the mask, and the depth there, if known, is its own
    to within `tolerance` (metres).
    """
    height, width = picture.mask.shape
    pixels = project(mesh.vertices, intrinsics).nan_to_num(-1.0).floor().clamp(-1, max(height, width)).long()
    col, row = pixels.unbind(-1)
    inside = (col >= 0) & (col < width) & (row >= 0) & (row < height)
    col, row = col.clamp(0, width - 1), row.clamp(0, height - 1)
    seen = inside & picture.mask[row, col] & visible_vertices(mesh)
    if picture.points is not None:
        apart = (picture.points.xyz[row, col, 2] - mesh.vertices[:, 2]).abs()
        seen &= picture.points.valid[row, col] & (apart <= tolerance)
    return torch.where(seen[:, None], picture.image[:, row, col].T, torch.zeros_like(mesh.vertices)), seen


def continue_colours(
    mesh: Mesh, colours: Float[Tensor, "vertex 3"], seen: Bool[Tensor, "vertex"]
) -> Float[Tensor, "vertex 3"]:
    """Continue the colours of seen vertices smoothly over all others: the harmonic function on the edges of the mesh.

    A part of the mesh without a seen vertex gets the mean of the seen ones. With none seen, colours stay as they are.

    Raises:
        ImportError: scipy is not installed.
    """
    if spsolve is None:
        raise ImportError("painting a mesh needs scipy: pip install 'region4d[geom]'")
    known = seen.numpy()
    if not known.any() or known.all():
        return colours
    count, edges = len(colours), mesh.faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2).numpy()
    both = np.concatenate([edges, edges[:, ::-1]])
    near = coo_array((np.ones(len(both)), both.T), (count, count)).tocsr()
    near.data[:] = 1
    laplacian = (diags_array(near.sum(1) + WEAK) - near).tocsr()
    values = colours.double().numpy()
    mean = values[known].mean(0)
    right = WEAK * mean - laplacian[~known][:, known] @ values[known]
    filled = values.copy()
    filled[~known] = spsolve(laplacian[~known][:, ~known].tocsc(), right).reshape(-1, 3)
    return torch.from_numpy(filled).to(colours).clamp(0, 1)


def photo_texture(
    mesh: Mesh, picture: MaskedPicture, intrinsics: Float[Tensor, "3 3"], seen: Bool[Tensor, "vertex"]
) -> PhotoTexture:
    """Cut the texture of the seen vertices of a mesh (camera frame) out of the picture."""
    mask = picture.mask.numpy()
    rows, cols = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
    top, left = max(0, rows[0] - BORDER), max(0, cols[0] - BORDER)
    window = np.s_[top : rows[-1] + 1 + BORDER, left : cols[-1] + 1 + BORDER]
    inner = binary_erosion(mask)[window]  # pixels of the rim are mixed with the background
    inner = inner if inner.any() else mask[window]
    nearest = distance_transform_edt(~inner, return_distances=False, return_indices=True)
    part = rearrange(picture.image, "c h w -> h w c").numpy()[window][tuple(nearest)]
    image = torch.from_numpy((255 * part).round().astype(np.uint8))
    pixels = project(mesh.vertices, intrinsics) - torch.tensor([left, top], dtype=torch.float32)
    return PhotoTexture(rearrange(image, "h w c -> c h w").contiguous(), pixels, seen)
