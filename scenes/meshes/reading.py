"""Reading of mesh files: GLB, glTF, OBJ, PLY, STL and OFF, with textures or colours."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from models.geometry import Mesh
from scenes.meshes.solid import MeshSolid
from scenes.meshes.textured_mesh import TexturedMesh

try:
    import trimesh
except ImportError:
    trimesh = None

Up = Literal["x", "y", "z", "auto"]
SUFFIXES = (".glb", ".gltf", ".obj", ".ply", ".stl", ".off")
GLTF = (".glb", ".gltf")  # whose up axis is defined: y (glTF 2.0, 3.4)
LARGEST_TEXTURE = 1024  # pixels of a side that are kept
GREY = 0.35  # linear light, of a mesh without colours
TURNS = {  # rows: the axes of an object, z up, in the axes of a file whose up axis is the key
    "x": ((0.0, 1.0, 0.0), (0.0, 0.0, 1.0), (1.0, 0.0, 0.0)),
    "y": ((1.0, 0.0, 0.0), (0.0, 0.0, -1.0), (0.0, 1.0, 0.0)),
    "z": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
}


@dataclass(frozen=True)
class MeshFile:
    """All parts of a mesh file together, z up, in the unit of the file.

    Args:
        looks: the mesh with its colours.
        watertight: whether every edge has two triangles.
        object_R_file: turns the axes of the file into those of `looks`.
    """

    looks: TexturedMesh
    watertight: bool
    object_R_file: Float[Tensor, "3 3"]


def read_mesh(path: Path, name: str, up: Up = "auto") -> MeshSolid:
    """Read a file as one object: all its parts together, scaled and moved into the cube, z up.

    Args:
        path: of the file. Textures lie where it says.
        name: of the object.
        up: axis of the file that points up; "auto" is y for glTF, which defines it, and z for all others.

    Raises:
        ImportError: trimesh is not installed.
        ValueError: the file is damaged, or has no triangle or vertices that are not finite.
    """
    file = read_mesh_file(path, up)
    return MeshSolid.centred(name, file.looks, file.watertight)


def read_mesh_file(path: Path, up: Up = "auto") -> MeshFile:
    """Read a file without moving it; arguments and errors as `read_mesh`."""
    if trimesh is None:
        raise ImportError("mesh files need trimesh: pip install 'region4d[geom]'")
    try:
        read = trimesh.load_scene(path, process=False).to_mesh()
        faces, vertices = np.array(read.faces), np.array(read.vertices, dtype=np.float64)
        looks = _looks(read)
        closed = _is_closed(vertices, faces)
    except Exception as error:
        raise ValueError(f"{path} cannot be read as a mesh ({type(error).__name__}: {error})") from error
    if not len(faces) or not np.isfinite(vertices).all():
        raise ValueError(f"{path} has {len(faces)} triangles, or vertices that are not finite; leave it out")
    axis = ("y" if path.suffix.lower() in GLTF else "z") if up == "auto" else up
    turn = torch.tensor(TURNS[axis])
    mesh = Mesh(torch.tensor(vertices).float() @ turn.T, torch.tensor(faces, dtype=torch.int64))
    return MeshFile(TexturedMesh(mesh, *looks), closed, turn)


def _is_closed(vertices: np.ndarray, faces: np.ndarray) -> bool:
    """Tell whether a mesh is watertight once vertices at one place, which textures keep apart, are one."""
    merged = trimesh.Trimesh(vertices, faces, process=False)
    merged.merge_vertices(merge_tex=True, merge_norm=True)
    return bool(merged.is_watertight)


def _looks(mesh: Any) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """Read colours of the vertices (linear light), and texture coordinates and the texture where there are both."""
    visual, count = mesh.visual, len(mesh.vertices)
    grey = torch.full((count, 3), GREY)
    if visual.kind == "texture" and visual.uv is not None and len(visual.uv) == count:
        material = visual.material
        material = material.to_simple() if hasattr(material, "to_simple") else material
        image = getattr(material, "image", None)
        if image is not None:
            picture = image.convert("RGB")
            picture.thumbnail((LARGEST_TEXTURE, LARGEST_TEXTURE))
            texture = torch.tensor(np.array(picture)).permute(2, 0, 1).float() / 255
            return grey, torch.tensor(np.array(visual.uv)).float(), texture.square()
    if visual.kind == "texture":
        colour = np.array(visual.material.main_color)[:3]
        return (torch.tensor(colour).float() / 255).square().expand(count, 3).contiguous(), None, None
    if visual.kind in ("vertex", "face"):
        colours = np.array(visual.vertex_colors)[:, :3]
        return (torch.tensor(colours).float() / 255).square(), None, None
    return grey, None, None
