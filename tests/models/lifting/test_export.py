"""GLB and PLY: read back with another reader and put through the documented transform, they lie on the points."""

import io
import json
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import trimesh
from PIL import Image
from scipy.spatial import cKDTree

from models.geometry import matrix
from models.lifting import LiftedObject, write_glb, write_ply
from models.lifting.export import gltf_T_cam, linear_from_srgb
from models.lifting.fitting.pose_fitting import Fit
from models.lifting.fitting.samples import PosedSample
from models.lifting.inputs.masked_picture import MaskedPicture
from models.lifting.lift import finish
from models.lifting.meshes.mesh import coloured, extract_mesh
from tests.support.clips.random_geometry import random_rotations
from tests.support.lifting import SeenObject, ball, true_object


def some_object(seed: int) -> LiftedObject:
    generator = torch.Generator().manual_seed(seed)
    pose = matrix(random_rotations(generator, 1)[0], torch.tensor([0.2, -0.3, 2.0]) + seed)
    mesh = extract_mesh(ball(16, 0.3, (0.1, 0.05, -0.1)))
    return LiftedObject(coloured(mesh, 0.5 + mesh.vertices), pose, 0.4 + seed, None)


def distances(mesh: trimesh.Trimesh, points: torch.Tensor) -> np.ndarray:
    """To the nearest of 100 000 points of the surface, which lie a few thousandths of the object apart."""
    return cKDTree(mesh.sample(100_000, seed=0)).query(points.numpy())[0]


def test_a_glb_read_back_and_turned_as_documented_lies_on_the_points_of_the_picture(
    seen: SeenObject, tmp_path: Path
) -> None:
    write_glb(tmp_path / "object.glb", [true_object(seen)])
    placed = trimesh.load(tmp_path / "object.glb", force="scene").to_geometry()  # applies the transforms of the nodes
    x, y, z = placed.vertices.T
    in_camera = trimesh.Trimesh(np.stack([x, -y, -z], -1), placed.faces)
    on_object = seen.points.xyz[seen.mask & seen.points.valid]
    assert np.median(distances(in_camera, on_object)) < 0.01 * seen.scale  # half a voxel of 48
    assert np.median(distances(placed, on_object)) > 0.5  # and nowhere near without the transform


def test_a_ply_lies_on_the_points_of_the_picture_as_it_is(seen: SeenObject, tmp_path: Path) -> None:
    write_ply(tmp_path / "object.ply", [true_object(seen)])
    on_object = seen.points.xyz[seen.mask & seen.points.valid]
    assert np.median(distances(trimesh.load(tmp_path / "object.ply"), on_object)) < 0.01 * seen.scale


def test_the_axes_of_a_glb_are_right_up_and_towards_the_viewer() -> None:
    right_down_forward = torch.tensor([1.0, 2.0, 3.0, 1.0])
    assert (gltf_T_cam() @ right_down_forward).tolist() == [1, -2, -3, 1]
    assert torch.equal(gltf_T_cam() @ gltf_T_cam(), torch.eye(4))
    assert torch.linalg.det(gltf_T_cam()).item() == 1  # right-handed stays right-handed


def test_a_glb_keeps_every_vertex_colour_pose_and_scale_of_several_objects(tmp_path: Path) -> None:
    objects = [some_object(0), some_object(1)]
    write_glb(tmp_path / "scene.glb", objects)
    scene = trimesh.load(tmp_path / "scene.glb", force="scene")
    assert "looks along -z" in scene.metadata["frame"]
    for k, lifted in enumerate(objects):
        node_matrix, name = scene.graph[f"object_{k}"]
        mesh = scene.geometry[name]
        np.testing.assert_allclose(mesh.vertices, lifted.mesh.vertices.numpy(), atol=1e-6)
        np.testing.assert_array_equal(mesh.faces, lifted.mesh.faces.numpy())
        colours = mesh.visual.vertex_attributes["color"]
        np.testing.assert_array_equal(colours[:, :3], linear_from_srgb(lifted.mesh.colours).numpy())
        np.testing.assert_array_equal(colours[:, 3], 255)
        np.testing.assert_allclose(mesh.metadata["cam_T_obj"], lifted.cam_T_obj.numpy(), atol=1e-6)
        assert mesh.metadata["scale"] == pytest.approx(lifted.scale)
        expected = lifted.in_camera().vertices.numpy() * [1, -1, -1]
        in_file = trimesh.transform_points(mesh.vertices, node_matrix)
        np.testing.assert_allclose(in_file, expected, atol=1e-5)
        # a viewer draws a mesh inside out where a node mirrors it
        assert np.linalg.det(node_matrix[:3, :3]) > 0


def glb_json(path: Path) -> dict[str, Any]:
    data = path.read_bytes()
    (length,) = struct.unpack("<I", data[12:16])
    tree: dict[str, Any] = json.loads(data[20 : 20 + length])
    return tree


@pytest.mark.parametrize(("srgb", "linear"), [(0, 0), (10, 1), (64, 13), (128, 55), (192, 134), (200, 147), (255, 255)])
def test_srgb_becomes_the_linear_light_of_the_standard(srgb: int, linear: int) -> None:
    """Golden: ((x + 0.055) / 1.055)^2.4 by hand, in bytes."""
    assert linear_from_srgb(torch.full((1, 3), srgb, dtype=torch.uint8)).tolist() == [[linear] * 3]


def test_a_glb_has_linear_colours_on_a_dull_material_and_a_ply_those_of_the_picture(tmp_path: Path) -> None:
    """As a viewer that follows glTF 2.0 reads it: COLOR_0 times the base colour is linear light."""
    lifted = some_object(0)
    grey = torch.full_like(lifted.mesh.colours, 192)
    objects = [replace(lifted, mesh=replace(lifted.mesh, colours=grey))] * 2
    write_glb(tmp_path / "grey.glb", objects)
    write_ply(tmp_path / "grey.ply", objects)
    tree = glb_json(tmp_path / "grey.glb")
    for mesh in tree["meshes"]:
        (primitive,) = mesh["primitives"]
        colour = tree["accessors"][primitive["attributes"]["COLOR_0"]]
        assert (colour["componentType"], colour["normalized"], colour["type"]) == (5121, True, "VEC4")
        assert "TEXCOORD_0" not in primitive["attributes"]
        material = tree["materials"][primitive["material"]]
        surface = material["pbrMetallicRoughness"]
        assert (surface["metallicFactor"], surface["roughnessFactor"]) == (0, 1)
        assert surface["baseColorFactor"] == [1, 1, 1, 1]
        assert material.get("alphaMode", "OPAQUE") == "OPAQUE"
    read = trimesh.load(tmp_path / "grey.glb", force="scene").geometry["object_0"].visual.vertex_attributes["color"]
    np.testing.assert_array_equal(read, [[134, 134, 134, 255]] * len(grey))
    ply = trimesh.load(tmp_path / "grey.ply", process=False).visual.vertex_colors
    np.testing.assert_array_equal(ply[:, :3], 192)


def test_a_ply_keeps_vertices_and_colours_and_says_its_frame(tmp_path: Path) -> None:
    objects = [some_object(0), some_object(1)]
    write_ply(tmp_path / "scene.ply", objects)
    assert b"comment frame: OpenCV camera axes" in (tmp_path / "scene.ply").read_bytes()[:300]
    mesh = trimesh.load(tmp_path / "scene.ply", process=False)
    expected = torch.cat([lifted.in_camera().vertices for lifted in objects])
    np.testing.assert_allclose(mesh.vertices, expected.numpy(), atol=1e-5)
    colours = torch.cat([lifted.mesh.colours for lifted in objects])
    np.testing.assert_array_equal(mesh.visual.vertex_colors[:, :3], colours.numpy())
    assert mesh.volume > 0


def test_grey_128_of_a_photo_is_grey_128_in_a_viewer_that_follows_the_standard(
    seen: SeenObject, tmp_path: Path
) -> None:
    """A reference shader by hand: base colour = decoded sRGB texel x factor; shown unlit, it is encoded again.

    Source: glTF 2.0, 3.9.2 (the texture is sRGB, the factor linear), 3.8.3 (texture coordinates start at the top left).
    """
    grey = MaskedPicture(torch.full_like(seen.image, 128).float() / 255, seen.mask, seen.points)
    posed = PosedSample(extract_mesh(seen.inside(32)), Fit(seen.cam_T_obj.double().numpy(), seen.scale, 0.0))
    write_glb(tmp_path / "grey.glb", [finish(grey, posed)])
    tree = glb_json(tmp_path / "grey.glb")
    (mesh,) = tree["meshes"]
    (primitive,) = mesh["primitives"]
    assert {"POSITION", "NORMAL", "TEXCOORD_0"} <= primitive["attributes"].keys()
    assert "COLOR_0" not in primitive["attributes"]  # it would be multiplied
    surface = tree["materials"][primitive["material"]]["pbrMetallicRoughness"]
    assert (surface["metallicFactor"], surface["roughnessFactor"]) == (0, 1)
    factor = surface.get("baseColorFactor", [1, 1, 1, 1])
    image = tree["images"][tree["textures"][surface["baseColorTexture"]["index"]]["source"]]
    texels = (
        np.asarray(Image.open(io.BytesIO(chunk(tmp_path / "grey.glb", image["bufferView"]))).convert("RGB")) / 255.0
    )
    uv = accessor(tmp_path / "grey.glb", primitive["attributes"]["TEXCOORD_0"]).reshape(-1, 2)
    height, width, _ = texels.shape
    texel = texels[(uv[:, 1] * height - 1e-4).astype(int), (uv[:, 0] * width - 1e-4).astype(int)]
    linear = np.where(texel <= 0.04045, texel / 12.92, ((texel + 0.055) / 1.055) ** 2.4) * factor[:3]
    shown = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    np.testing.assert_array_equal((255 * shown).round(), 128)
    normals = accessor(tmp_path / "grey.glb", primitive["attributes"]["NORMAL"]).reshape(-1, 3)
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1, atol=1e-4)


def chunk(path: Path, view: int) -> bytes:
    data, tree = path.read_bytes(), glb_json(path)
    (length,) = struct.unpack("<I", data[12:16])
    start = 28 + length + tree["bufferViews"][view].get("byteOffset", 0)
    return data[start : start + tree["bufferViews"][view]["byteLength"]]


def accessor(path: Path, index: int) -> np.ndarray:
    entry = glb_json(path)["accessors"][index]
    assert entry["componentType"] == 5126  # float
    return np.frombuffer(chunk(path, entry["bufferView"]), np.float32)
