"""One texture for a whole mesh: its part of the photo on top, and below it a small cell for each face that is not seen.

Faces whose three vertices are seen wear the photo as it is. Every other face has a cell of its own with the colours of
its vertices, so that any viewer shows them: vertex colours are optional in many.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from einops import rearrange
from jaxtyping import Float, Int, UInt8

from models.lifting.meshes.mesh import ColouredMesh
from models.lifting.meshes.painting import PhotoTexture
from models.lifting.meshes.ray_casting import vertex_normals

CELL = 4  # texels along a cell; the corners of a face are at the middles of its outer texels
MIN_WIDTH = 128  # of the atlas, texels


@dataclass(frozen=True)
class Atlas:
    """A mesh whose vertices are split where its charts meet. `uv` is in [0, 1], from the lower left of the image."""

    image: UInt8[np.ndarray, "height width 3"]  # sRGB
    vertices: Float[np.ndarray, "corner 3"]
    normals: Float[np.ndarray, "corner 3"]
    uv: Float[np.ndarray, "corner 2"]
    faces: Int[np.ndarray, "face 3"]


def make_atlas(mesh: ColouredMesh, texture: PhotoTexture) -> Atlas:
    """Lay out the texture of a mesh that wears a photo on its seen vertices."""
    faces, seen = mesh.faces.numpy(), texture.seen.numpy()
    worn = seen[faces].all(1)
    photo = rearrange(texture.image, "c h w -> h w c").numpy()
    width = max(MIN_WIDTH, photo.shape[1])
    cells, pixels = _cells(mesh.colours.numpy()[faces[~worn]], width)
    image = np.zeros((photo.shape[0] + cells.shape[0], width, 3), np.uint8)
    image[: photo.shape[0], : photo.shape[1]] = photo
    image[: photo.shape[0], photo.shape[1] :] = photo[:, -1:]
    image[photo.shape[0] :] = cells
    shared, index = np.unique(faces[worn], return_inverse=True)
    hidden = faces[~worn].reshape(-1)
    chosen = np.concatenate([shared, hidden])
    at = np.concatenate([texture.pixels.numpy()[shared], pixels + np.array([0, photo.shape[0]])])
    own = len(shared) + np.arange(len(hidden)).reshape(-1, 3)
    normals = vertex_normals(mesh.vertices, mesh.faces).numpy()
    return Atlas(
        image,
        mesh.vertices.numpy()[chosen],
        normals[chosen],
        np.stack([at[:, 0] / image.shape[1], 1 - at[:, 1] / image.shape[0]], -1),
        np.concatenate([index.reshape(-1, 3), own]),
    )


def _cells(
    colours: UInt8[np.ndarray, "face 3 rgb"], width: int
) -> tuple[UInt8[np.ndarray, "height width 3"], Float[np.ndarray, "corner 2"]]:
    """Draw a cell for each face, blended between its corners, and give the pixels of the corners, face by face."""
    along = width // CELL
    rows = -(-len(colours) // along)
    step = np.arange(CELL) / (CELL - 1)
    b, c = np.meshgrid(step, step)  # weights of the second and third corner; beyond the face they go on
    weights = np.stack([1 - b - c, b, c], -1)
    drawn = np.einsum("hwk,fkc->fhwc", weights, colours.astype(float)).round().clip(0, 255).astype(np.uint8)
    padded = np.zeros((rows * along, CELL, CELL, 3), np.uint8)
    padded[: len(drawn)] = drawn
    image = np.zeros((rows * CELL, width, 3), np.uint8)
    image[:, : along * CELL] = rearrange(padded, "(r a) h w c -> (r h) (a w) c", r=rows, a=along)
    number = np.arange(len(colours))
    corner = CELL * np.stack([number % along, number // along], -1) + 0.5
    pixels = corner[:, None] + (CELL - 1) * np.array([[0, 0], [1, 0], [0, 1]])
    return image, pixels.reshape(-1, 2).astype(np.float64)
