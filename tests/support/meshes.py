"""A folder of mesh files, as one finds them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from trimesh import Trimesh
from trimesh.creation import annulus, box, cone, icosphere
from trimesh.visual import TextureVisuals
from trimesh.visual.material import SimpleMaterial


def write_meshes(folder: Path) -> Path:
    """Write a textured box (OBJ), a cone along y (GLB), a ring (STL), a ball (PLY) and a collision shape."""
    (folder / "kitchen").mkdir(parents=True)
    textured_box().export(folder / "kitchen" / "carton.obj")
    along_y = cone(0.1, 0.3)
    along_y.apply_transform([[1, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 0], [0, 0, 0, 1]])
    along_y.export(folder / "kitchen" / "cone.glb")
    annulus(0.05, 0.1, 0.04).export(folder / "ring.stl")
    icosphere(subdivisions=2).export(folder / "ball.ply")
    box().export(folder / "kitchen" / "carton_col.obj")
    return folder


def textured_box() -> Trimesh:
    """A box of 1 x 2 x 3 whose left half (x < 0) is red and whose right half is blue."""
    mesh = box((1.0, 2.0, 3.0)).subdivide()
    picture = np.zeros((4, 8, 3), np.uint8)
    picture[:, :4, 0], picture[:, 4:, 2] = 255, 255
    uv = np.stack([mesh.vertices[:, 0] * 0.98 + 0.5, np.full(len(mesh.vertices), 0.5)], 1)
    mesh.visual = TextureVisuals(uv, material=SimpleMaterial(image=Image.fromarray(picture)))
    return mesh


def open_box() -> Trimesh:
    """A unit cube without its top."""
    mesh = box()
    return Trimesh(mesh.vertices, mesh.faces[mesh.face_normals[:, 2] < 0.5], process=False)
