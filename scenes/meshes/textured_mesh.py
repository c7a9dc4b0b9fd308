"""A mesh with its looks: a colour a vertex, or a texture with coordinates."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from models.geometry import Mesh


@dataclass(frozen=True)
class TexturedMesh:
    """Triangles with colours in linear light, 0 to 1.

    `uv` is given together with `texture` (first row at v = 1, as images are stored), and replaces `colours`.
    """

    mesh: Mesh
    colours: Float[Tensor, "vertex 3"]
    uv: Float[Tensor, "vertex 2"] | None = None
    texture: Float[Tensor, "3 _ _"] | None = None

    def colour(self, face: Int64[Tensor, "point"], weights: Float[Tensor, "point 3"]) -> Float[Tensor, "point 3"]:
        """Look up the colour of points on triangles (barycentric weights); texels are read at the nearest centre."""
        corners = self.mesh.faces[face]
        if self.uv is None or self.texture is None:
            return torch.einsum("pk,pkc->pc", weights, self.colours[corners])
        u, v = torch.einsum("pk,pkc->pc", weights, self.uv[corners]).unbind(-1)
        height, width = self.texture.shape[1:]
        col, row = ((x - x.floor()) * n for x, n in ((u, width), (1 - v, height)))  # a texture repeats
        return self.texture[:, row.long().clamp(0, height - 1), col.long().clamp(0, width - 1)].T
