"""Export of lifted objects to GLB and PLY files that record their frame, so that other programs place them right.

A GLB has glTF axes: right-handed, +y up. Lengths are in metres, or in relative units where the scale is unknown, and
the file says which. The camera is at the origin and looks along -z, so that

    (x, y, z) of the file, with the transforms of its nodes applied, is (x, -y, -z) of the camera (OpenCV axes).

Each object is a node: its mesh lies in the object's own cube (z up), and the node's matrix is
`gltf_T_cam @ cam_T_obj @ scale`. A PLY has one list of vertices in the camera frame (OpenCV axes, metres), which
is the frame of the point map. A PLY has vertex colours (sRGB). A GLB has the photo itself as texture where it shows the
object, or linear vertex colours where there is no photo.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from PIL import Image
from torch import Tensor

from models.geometry import matrix, swap_opengl
from models.lifting.lift import LiftedObject
from models.lifting.meshes.atlas import make_atlas
from models.lifting.meshes.mesh import ColouredMesh

try:
    import trimesh
except ImportError:
    trimesh = None

GLB_FRAME = (
    "glTF axes (right-handed, +y up), {unit}; the camera is at the origin and looks along -z. "
    "OpenCV camera coordinates are (x, -y, -z) after the node transforms."
)
PLY_FRAME = "OpenCV camera axes (x right, y down, z forward), {unit}; the camera is at the origin"
METRES, RELATIVE_UNITS = "metres", "relative units (the scale is unknown)"


def gltf_T_cam() -> Float[Tensor, "4 4"]:
    """Build the half turn about x between OpenCV camera axes and those of a glTF camera: its own inverse."""
    return swap_opengl(torch.eye(4))


def write_glb(path: str | Path, objects: Sequence[LiftedObject], unit: str = METRES) -> None:
    """Write objects as one scene; object k is the node `object_k`, whose mesh records its pose and scale.

    `unit` is that of all lengths: `METRES` or `RELATIVE_UNITS`. The material has neither metal nor gloss. A mesh with a
    photo wears it as a texture, whose values are sRGB as glTF 2.0 (3.9.2) defines a base colour texture; any other mesh
    has vertex colours, which are linear (COLOR_0, 3.7.2.1).
    """
    scene = _trimesh().Scene(metadata={"frame": GLB_FRAME.format(unit=unit), "unit": unit})
    for k, lifted in enumerate(objects):
        mesh = _gltf_mesh(lifted)
        mesh.metadata.update(
            frame=f"the object's own: cube [-0.5, 0.5]^3, z up; cam = R (scale * vertex) + t, OpenCV axes, {unit}",
            cam_T_obj=lifted.cam_T_obj.tolist(),
            scale=lifted.scale,
            confidence=lifted.confidence,
            shape_from="network" if lifted.judgement is None else lifted.judgement.source,
        )
        cam_T_cube = matrix(lifted.cam_T_obj[:3, :3] * lifted.scale, lifted.cam_T_obj[:3, 3])
        placed = (gltf_T_cam() @ cam_T_cube).double().numpy()
        scene.add_geometry(mesh, node_name=f"object_{k}", geom_name=f"object_{k}", transform=placed)
    Path(path).write_bytes(scene.export(file_type="glb", include_normals=True))


def write_ply(path: str | Path, objects: Sequence[LiftedObject], unit: str = METRES) -> None:
    """Write objects as one mesh in the camera frame, with vertex colours; the header names the frame and `unit`."""
    meshes = [to_trimesh(lifted.in_camera()) for lifted in objects]
    data: bytes = _trimesh().util.concatenate(meshes).export(file_type="ply")
    first, rest = data.split(b"\ncomment ", 1)
    Path(path).write_bytes(first + f"\ncomment frame: {PLY_FRAME.format(unit=unit)}\ncomment ".encode() + rest)


def linear_from_srgb(colours: UInt8[Tensor, "vertex 3"]) -> UInt8[Tensor, "vertex 3"]:
    """Decode sRGB values to linear light (IEC 61966-2-1), both as bytes: 192 becomes 134."""
    share = colours.double() / 255
    linear = torch.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return (255 * linear).round().to(torch.uint8)


def _gltf_mesh(lifted: LiftedObject) -> Any:
    """Build the mesh of a GLB: with its texture and split vertices, or with vertex colours."""
    if lifted.texture is None:
        mesh = to_trimesh(lifted.mesh)
        mesh.visual = _gltf_visual(lifted.mesh.colours)
        return mesh
    atlas = make_atlas(lifted.mesh, lifted.texture)
    material = _trimesh().visual.material.PBRMaterial(
        name="photo", baseColorTexture=Image.fromarray(atlas.image), metallicFactor=0.0, roughnessFactor=1.0
    )
    return _trimesh().Trimesh(
        vertices=atlas.vertices.astype(np.float64),
        faces=atlas.faces,
        vertex_normals=atlas.normals,
        visual=_trimesh().visual.TextureVisuals(uv=atlas.uv, material=material),
        process=False,
    )


def _gltf_visual(colours: UInt8[Tensor, "vertex 3"]) -> Any:
    """Build the vertex colours and the material of a glTF mesh. A file without a material is drawn as metal."""
    opaque = torch.full((len(colours), 1), 255, dtype=torch.uint8)
    material = _trimesh().visual.material.PBRMaterial(
        name="vertex colours", baseColorFactor=[255, 255, 255, 255], metallicFactor=0.0, roughnessFactor=1.0
    )
    visual = _trimesh().visual.TextureVisuals(material=material)
    visual.vertex_attributes["color"] = torch.cat([linear_from_srgb(colours), opaque], 1).numpy()
    return visual


def to_trimesh(mesh: ColouredMesh) -> Any:
    """Convert to a `trimesh.Trimesh`, vertex for vertex."""
    return _trimesh().Trimesh(
        vertices=mesh.vertices.numpy().astype(np.float64),
        faces=mesh.faces.numpy(),
        vertex_colors=mesh.colours.numpy(),
        process=False,
    )


def _trimesh() -> Any:
    """Return trimesh, or raise ImportError where it is not installed."""
    if trimesh is None:
        raise ImportError("GLB and PLY files need trimesh: pip install 'region4d[geom]'")
    return trimesh
