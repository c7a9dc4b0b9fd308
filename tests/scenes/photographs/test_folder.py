"""Photos with masks and meshes by pairs: what is read, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from models.geometry import transform_points
from scenes.photographs.folder import PhotoFolder
from tests.support.photographs import (
    HEIGHT,
    INTRINSICS,
    SIDES,
    WIDTH,
    box_mesh,
    box_pose,
    write_large_photo,
    write_photo,
)


def test_an_object_is_read_with_all_that_is_known_of_it(tmp_path: Path) -> None:
    write_photo(tmp_path / "kitchen" / "carton")
    source = PhotoFolder(tmp_path)
    photo = source[0]
    assert photo.shape.name == "kitchen/carton"
    assert photo.mask.shape == (HEIGHT, WIDTH)
    assert photo.depth is not None
    assert 0.7 < float(photo.depth[photo.mask].min()) < 0.95  # its middle is one metre away
    torch.testing.assert_close(photo.intrinsics, INTRINSICS.double())
    assert photo.shape.watertight
    assert source.about == f"1 photo of '{tmp_path.name}', 1 with depth, 1 with a camera file"


def test_the_cube_leads_back_to_the_frame_of_the_file(tmp_path: Path) -> None:
    moved = box_mesh()
    moved.apply_translation([1.0, -2.0, 0.5])
    write_photo(tmp_path / "carton", mesh=moved)
    shape = PhotoFolder(tmp_path).shape(0)
    scaled = shape.file_T_cube  # a similarity, which acts on points as any matrix does
    in_file = shape.mesh.vertices @ scaled[:3, :3].T + scaled[:3, 3]
    torch.testing.assert_close(in_file.amin(0), torch.tensor([1.0, -2.0, 0.5]) - torch.from_numpy(SIDES / 2).float())
    torch.testing.assert_close(in_file.amax(0), torch.tensor([1.0, -2.0, 0.5]) + torch.from_numpy(SIDES / 2).float())
    assert float(shape.mesh.vertices.abs().max()) == pytest.approx(0.45)
    tall = (shape.mesh.vertices.amax(0) - shape.mesh.vertices.amin(0)) / 0.9 * SIDES.max()
    torch.testing.assert_close(tall, torch.tensor([0.4, 0.2, 0.3]))  # glTF: y is up, and becomes z


def test_a_list_names_files_anywhere(tmp_path: Path) -> None:
    write_photo(tmp_path / "parts")
    row = "cup,parts/image.png,parts/mask.png,parts/mesh.glb,"
    (tmp_path / "objects.csv").write_text(f"name,image,mask,mesh,depth\n{row}\n{row}parts/depth.png\n")
    source = PhotoFolder(tmp_path)
    assert [source[k].shape.name for k in range(len(source))] == ["cup", "cup"]
    assert source[0].depth is None
    assert source[1].depth is not None
    (tmp_path / "objects.csv").write_text("image,mask,mesh\nparts/image.png,parts/gone.png,parts/mesh.glb\n")
    with pytest.raises(FileNotFoundError, match=r"objects.csv:2 names .*gone.png"):
        PhotoFolder(tmp_path)
    (tmp_path / "objects.csv").write_text("image,mesh\nparts/image.png,parts/mesh.glb\n")
    with pytest.raises(ValueError, match=r"objects.csv:2 has no mask"):
        PhotoFolder(tmp_path)


def test_a_list_of_a_spreadsheet_and_meshes_elsewhere_are_read(tmp_path: Path) -> None:
    parts = write_photo(tmp_path / "elsewhere")
    (tmp_path / "photos").mkdir()
    row = ",".join(str(parts / name) for name in ("image.png", "mask.png", "mesh.glb"))
    (tmp_path / "photos" / "objects.csv").write_text(f"image,mask,mesh\n{row}\n", encoding="utf-8-sig")
    assert PhotoFolder(tmp_path / "photos").entries[0].name == (parts / "mesh.glb").as_posix()


def test_photos_of_one_name_show_one_mesh(tmp_path: Path) -> None:
    for name, sides in (("a", SIDES), ("b", SIDES), ("c", SIDES * [1, 2, 1])):
        write_photo(tmp_path / name, mesh=box_mesh(sides))
    rows = [f"cup,{name}/image.png,{name}/mask.png,{name}/mesh.glb" for name in "abc"]
    listed = tmp_path / "objects.csv"
    listed.write_text("\n".join(["name,image,mask,mesh", *rows[:2]]))
    assert [entry.name for entry in PhotoFolder(tmp_path).entries] == ["cup", "cup"]
    listed.write_text("\n".join(["name,image,mask,mesh", *rows]))
    with pytest.raises(ValueError, match=r"objects.csv:4 gives cup the mesh .*c/mesh.glb.*give each object"):
        PhotoFolder(tmp_path)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda folder: (folder / "mask.png").unlink(), "has no mask"),
        (lambda folder: (folder / "mesh.glb").unlink(), "has no mesh"),
        (lambda folder: (folder / "image.jpg").write_bytes(b""), "image.jpg and image.png: leave one"),
        (lambda folder: write_large_photo(folder / "image.png", 20, 30), "mask.png' is 64x48, expected 30x20"),
        (lambda folder: write_large_photo(folder / "depth.png", 48, 64), "expected one 16-bit channel"),
        (lambda folder: (folder / "mesh.glb").write_bytes(b"glTF"), "cannot be read as a mesh"),
        (lambda folder: (folder / "camera.json").write_text("{"), 'needs "intrinsics"'),
        (lambda folder: (folder / "camera.json").write_text(json.dumps({"pose": [[1]]})), 'needs "intrinsics"'),
        (lambda folder: (folder / "camera.json").write_text(json.dumps({"cam_T_mesh": [[1, 2]]})), "4x4 numbers"),
    ],
)
def test_what_cannot_be_read_is_one_line(tmp_path: Path, spoil, said: str) -> None:  # type: ignore[no-untyped-def]
    spoil(write_photo(tmp_path / "carton"))
    with pytest.raises(ValueError) as error:
        PhotoFolder(tmp_path)[0]
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_a_mesh_without_triangles_and_a_folder_without_objects_are_refused(tmp_path: Path) -> None:
    folder = write_photo(tmp_path / "carton")
    (folder / "mesh.glb").unlink()
    (folder / "mesh.obj").write_text("v 0 0 0\nv 1 0 0\n")
    with pytest.raises(ValueError, match=r"mesh\.obj"):
        PhotoFolder(tmp_path)[0]
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="has no objects: give each a folder"):
        PhotoFolder(tmp_path / "empty")
    with pytest.raises(FileNotFoundError, match="give one with photos"):
        PhotoFolder(tmp_path / "gone")


def test_other_bytes_are_another_source(tmp_path: Path) -> None:
    folder = write_photo(tmp_path / "carton")
    first = PhotoFolder(tmp_path).identity
    assert PhotoFolder(tmp_path).identity == first
    (folder / "camera.json").write_text(json.dumps({"intrinsics": INTRINSICS.tolist()}))
    assert PhotoFolder(tmp_path).identity != first
    assert PhotoFolder(tmp_path)[0].cam_T_file is None


def test_visible_points_lie_on_the_posed_mesh(tmp_path: Path) -> None:
    write_photo(tmp_path / "carton")
    photo = PhotoFolder(tmp_path)[0]
    corners = transform_points(torch.from_numpy(box_mesh().vertices), box_pose())
    assert photo.depth is not None
    assert corners[:, 2].min() - 0.001 <= photo.depth[photo.mask].min()
    assert photo.depth[photo.mask].max() <= corners[:, 2].max()
