"""Folders of mesh files: what is read, which way is up, which objects are held out."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

from scenes.meshes.sources import MeshFolder, MixedSources
from tests.support.meshes import write_meshes


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_meshes(tmp_path_factory.mktemp("meshes") / "things")


def test_every_format_is_read_and_collision_shapes_are_not(folder: Path) -> None:
    source = MeshFolder(folder)
    assert source.names == ["ball", "kitchen/carton", "kitchen/cone", "ring"]
    solids = {solid.name: solid for solid in (source[k] for k in range(len(source)))}
    assert list(solids) == source.names
    assert all(solid.watertight for solid in solids.values())  # also those whose vertices a texture splits
    torch.testing.assert_close(solids["kitchen/carton"].extents, torch.tensor([0.3, 0.6, 0.9]))
    assert source.about == "4 meshes of 'things'"


def test_up_is_that_of_gltf_and_can_be_said(folder: Path) -> None:
    cone = MeshFolder(folder, include=["*cone"])[0]
    torch.testing.assert_close(cone.extents[2], torch.tensor(0.9))
    low, high = cone.distance_grid(16).le(0).sum((0, 1))[[3, 12]]
    assert low > high > 0  # it stands on its base
    lying = MeshFolder(folder, include=["*cone"], up="z")[0]
    torch.testing.assert_close(lying.extents[1], torch.tensor(0.9))


def test_a_texture_is_looked_up(folder: Path) -> None:
    looks = MeshFolder(folder, include=["*carton"])[0].looks
    x = looks.mesh.vertices[looks.mesh.faces].mean(1)[:, 0]
    colour = looks.colour(torch.arange(len(x)), torch.full((len(x), 3), 1 / 3))
    red, blue = torch.tensor([1.0, 0.0, 0.0]), torch.tensor([0.0, 0.0, 1.0])
    torch.testing.assert_close(colour[x < -0.05], red.expand(int((x < -0.05).sum()), 3))
    torch.testing.assert_close(colour[x > 0.05], blue.expand(int((x > 0.05).sum()), 3))


def test_splits_share_no_object_and_adding_one_moves_none(folder: Path, tmp_path: Path) -> None:
    held, train = (MeshFolder(folder, split=split, held_out=0.5).names for split in ("held_out", "train"))
    assert sorted([*held, *train]) == MeshFolder(folder).names
    more = Path(shutil.copytree(folder, tmp_path / "more"))
    (more / "new.ply").write_bytes((folder / "ball.ply").read_bytes() + b"\n")
    assert set(held) <= set(MeshFolder(more, split="held_out", held_out=0.5).names)


def test_copies_are_one_object(folder: Path, tmp_path: Path) -> None:
    more = Path(shutil.copytree(folder, tmp_path / "more"))
    shutil.copy(more / "ring.stl", more / "same_ring.stl")
    assert MeshFolder(more).names == MeshFolder(folder).names


def test_changed_bytes_change_the_identity_and_a_moved_folder_does_not(folder: Path, tmp_path: Path) -> None:
    more = Path(shutil.copytree(folder, tmp_path / "more"))
    assert MeshFolder(more).identity == MeshFolder(folder).identity
    (more / "ring.stl").write_bytes((more / "ring.stl").read_bytes() + b"\n")
    assert MeshFolder(more).identity != MeshFolder(folder).identity


def test_sources_are_joined(folder: Path) -> None:
    both = MixedSources([MeshFolder(folder, include=["ball"]), MeshFolder(folder, include=["ring"])])
    assert [both[k].name for k in range(len(both))] == ["ball", "ring"]


def test_wrong_folders_and_files_are_one_line(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no folder"):
        MeshFolder(tmp_path / "none")
    with pytest.raises(ValueError, match="0 mesh files and 0 distinct objects"):
        MeshFolder(tmp_path)
    with pytest.raises(ValueError, match="none of them in split held_out"):
        MeshFolder(folder, split="held_out", held_out=0.0)
    (tmp_path / "cut.glb").write_bytes((folder / "kitchen" / "cone.glb").read_bytes()[:40])
    with pytest.raises(ValueError, match=r"cut.glb cannot be read as a mesh") as caught:
        MeshFolder(tmp_path)[0]
    assert "\n" not in str(caught.value)
