"""Objects of Aria Digital Twin sequences: which are chosen, their boxes and meshes, their places."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch

from models.geometry import invert, transform_points, unproject
from scenes.datasets.aria import sequences
from scenes.datasets.aria.recording import AriaPicture
from scenes.datasets.aria.sequences import AriaSequences
from scenes.photographs.store import PhotoStore
from tests.support.photographs import TIME_NS, UID, aria_picture, box_mesh, write_aria


class Pictures:
    """A recording in memory."""

    def picture(self, time_ns: int) -> AriaPicture:
        assert time_ns == TIME_NS
        return aria_picture()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sequences, "recording_of", lambda folder: Pictures())
    write_aria(tmp_path / "twin" / "Apartment_seq1")
    return tmp_path / "twin"


def test_visible_points_lie_on_the_box_where_the_tables_put_it(folder: Path, tmp_path: Path) -> None:
    source = AriaSequences(folder)
    assert [sight.facts["instance_name"] for sight in source.sights] == ["Carton_1"]  # parts of the room are left out
    (item,) = PhotoStore(source, root=tmp_path).draw(range(1))
    points = unproject(item.depth, item.intrinsics)
    in_cube = transform_points(points.xyz[points.valid & item.mask], invert(item.cam_T_obj)) / item.scale
    half = source.shape(0).mesh.vertices.amax(0)
    assert float((in_cube.abs() / half).amax(1).sub(1).abs().max()) < 0.01
    torch.testing.assert_close(half, 0.45 * torch.tensor([0.4, 0.2, 0.3]) / 0.4)  # y of the object points up
    assert float(item.occlusion) == pytest.approx(0.25)
    assert source.shape(0).box_alone
    assert source.shape(0).watertight
    assert bool(item.distance.min() < 0 < item.distance.max())
    assert source.about == "1 object in 1 picture of 1 sequence of 'twin', 0 with a mesh and 1 with a box alone"


def test_a_mesh_named_after_the_prototype_is_the_shape(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "models" / "deep").mkdir(parents=True)
    box_mesh().subdivide().export(tmp_path / "models" / "deep" / "Carton.glb")
    source = AriaSequences(folder / "Apartment_seq1", meshes=tmp_path / "models")
    assert not source.shape(0).box_alone
    assert len(source.shape(0).mesh.faces) == 48
    torch.testing.assert_close(source.shape(0).file_T_cube, AriaSequences(folder).shape(0).file_T_cube)
    assert source.identity != AriaSequences(folder / "Apartment_seq1").identity
    assert "1 with a mesh" in source.about


@pytest.mark.parametrize(
    "rules", [{"visible": 0.8}, {"smallest": 300.0}, {"largest": 0.3}, {"exclude": ["Apartment_*", "Carton*"]}]
)
def test_no_object_by_the_rules_is_one_line(folder: Path, rules: dict) -> None:  # type: ignore[type-arg]
    with pytest.raises(ValueError, match=r"no object of 1 sequence in '.*twin' is") as error:
        AriaSequences(folder, **rules)
    assert "\n" not in str(error.value)


def test_parts_of_the_room_can_be_asked_for_and_one_without_a_pixel_ends_nothing(folder: Path, tmp_path: Path) -> None:
    source = AriaSequences(folder, exclude=[])
    assert [sight.seen.uid for sight in source.sights] == sorted([UID, source.sights[1].seen.uid])
    store = PhotoStore(source, root=tmp_path / "shards")
    store.render(1)
    assert {item.family: bool(item.mask.any()) for item in store} == {"Carton_1": True, "Apartment_Wall": False}


def test_a_folder_without_sequences_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"has instances\.json: give a sequence"):
        AriaSequences(tmp_path)
    with pytest.raises(FileNotFoundError, match="give a sequence of Aria Digital Twin, or several"):
        AriaSequences(tmp_path / "gone")


def test_another_process_reads_the_tables_itself(folder: Path) -> None:
    source = AriaSequences(folder)
    sent = pickle.dumps(source)
    assert len(sent) < 4000  # no pose travels
    assert [sight.seen for sight in pickle.loads(sent).sights] == [sight.seen for sight in source.sights]
