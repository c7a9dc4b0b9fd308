"""Rendering of meshes by a ray through every pixel centre, without a graphics card or display."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from models.geometry import pixel_centres
from models.geometry.mesh import Mesh
from models.lifting.meshes.mesh import ColouredMesh

try:
    import open3d
except ImportError:
    open3d = None  # type: ignore[assignment]

LAMP = (-0.45, -0.75, -0.6)  # towards the light: left, above and behind the camera (OpenCV axes)
HIDDEN_BEHIND = 0.99  # a vertex with a surface before this share of its distance is hidden
AMBIENT, HEADLIGHT, DIRECT = 0.45, 0.25, 0.35


@dataclass(frozen=True)
class Rendering:
    """Colour, z-depth and mesh index of every pixel; 0, 0 and -1 where it shows no mesh."""

    rgb: Float[Tensor, "3 height width"]  # shaded, in [0, 1]
    depth: Float[Tensor, "height width"]
    index: Int64[Tensor, "height width"]

    @property
    def hit(self) -> Bool[Tensor, "height width"]:
        """The silhouette of all meshes."""
        return self.index >= 0


def render_meshes(
    meshes: Sequence[ColouredMesh], intrinsics: Float[Tensor, "3 3"], height: int, width: int
) -> Rendering:
    """Render meshes that lie in the camera frame (OpenCV axes): nearest surface, vertex colours, smooth shading.

    Surfaces are lit from both sides. Surfaces behind the camera are invisible. `intrinsics` are in pixels, centres
    at .5. Raises ImportError where open3d is not installed.
    """
    before = torch.tensor([0] + [len(mesh.vertices) for mesh in meshes]).cumsum(0)
    vertices = torch.cat([mesh.vertices for mesh in meshes]).float()
    faces = torch.cat([mesh.faces + start for mesh, start in zip(meshes, before[:-1].tolist(), strict=True)])
    owner = torch.repeat_interleave(torch.tensor([len(mesh.faces) for mesh in meshes]))
    slope = (pixel_centres(height, width, intrinsics.float()) - intrinsics[:2, 2]) / intrinsics.diagonal()[:2]
    direction = torch.cat([slope, torch.ones_like(slope[..., :1])], -1)  # z is 1: the ray's parameter is the z-depth
    rays = torch.cat([torch.zeros_like(direction), direction], -1)
    answer = cast_rays(Mesh(vertices, faces), rays)
    depth = torch.from_numpy(answer["t_hit"].numpy())
    hit = depth.isfinite()
    face = torch.from_numpy(answer["primitive_ids"].numpy().astype("int64"))[hit]
    uv = torch.from_numpy(answer["primitive_uvs"].numpy())[hit]
    weights = torch.cat([1 - uv.sum(-1, keepdim=True), uv], -1)

    def blend(of_vertices: Tensor) -> Tensor:
        return torch.einsum("pk,pkc->pc", weights, of_vertices[faces[face]])

    normal = F.normalize(blend(vertex_normals(vertices, faces)), dim=-1)
    to_camera = -F.normalize(direction[hit], dim=-1)
    facing = (normal * to_camera).sum(-1, keepdim=True)
    lamp = F.normalize(torch.tensor(LAMP), dim=0)
    lit = (normal * facing.sign() * lamp).sum(-1, keepdim=True).clamp(min=0)
    colour = blend(torch.cat([mesh.colours for mesh in meshes]).float() / 255)
    rgb = torch.zeros(3, height, width)
    rgb[:, hit] = (colour * (AMBIENT + HEADLIGHT * facing.abs() + DIRECT * lit)).clamp(0, 1).T
    index = torch.full((height, width), -1)
    index[hit] = owner[face]
    return Rendering(rgb, torch.where(hit, depth, torch.zeros_like(depth)), index)


def cast_rays(mesh: Mesh, rays: Float[Tensor, "*ray six"]) -> Mapping[str, Any]:
    """Cast rays (origin and direction) at a mesh; the answer is that of open3d's `RaycastingScene`, on the CPU.

    Raises ImportError where open3d is not installed.
    """
    answer: Mapping[str, Any] = _scene(mesh).cast_rays(open3d.core.Tensor.from_numpy(rays.float().contiguous().numpy()))
    return answer


def inside_mesh(mesh: Mesh, points: Float[Tensor, "point 3"]) -> Bool[Tensor, "point"]:
    """Mark the points inside a closed mesh. Raises ImportError where open3d is not installed."""
    inside = _scene(mesh).compute_occupancy(open3d.core.Tensor.from_numpy(points.float().contiguous().numpy()))
    return torch.from_numpy(inside.numpy()) > 0.5


def _scene(mesh: Mesh) -> Any:
    if open3d is None:
        raise ImportError("rays at a mesh need open3d: pip install 'region4d[geom]'")
    scene = open3d.t.geometry.RaycastingScene()
    scene.add_triangles(
        open3d.core.Tensor.from_numpy(mesh.vertices.float().contiguous().numpy()),
        open3d.core.Tensor.from_numpy(mesh.faces.to(torch.uint32).contiguous().numpy()),
    )
    return scene


def visible_vertices(mesh: Mesh) -> Bool[Tensor, "vertex"]:
    """Mark the vertices of a mesh in the camera frame that no part of it hides from the camera, and that face it."""
    rays = torch.cat([torch.zeros_like(mesh.vertices), mesh.vertices], -1)
    reached = torch.from_numpy(cast_rays(mesh, rays)["t_hit"].numpy())  # 1 at the vertex itself
    facing = (vertex_normals(mesh.vertices, mesh.faces) * mesh.vertices).sum(-1) < 0
    return facing & (reached > HIDDEN_BEHIND)


def vertex_normals(vertices: Float[Tensor, "vertex 3"], faces: Int64[Tensor, "face 3"]) -> Float[Tensor, "vertex 3"]:
    """Average the normals of the faces about each vertex, weighted by their area; unit length."""
    a, b, c = vertices[faces].unbind(1)
    of_faces = torch.linalg.cross(b - a, c - a)
    summed = torch.zeros_like(vertices)
    for corner in faces.unbind(1):
        summed.index_add_(0, corner, of_faces)
    return F.normalize(summed, dim=-1)
