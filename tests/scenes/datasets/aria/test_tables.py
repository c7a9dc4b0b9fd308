"""The tables of an Aria Digital Twin sequence, in its layout."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from scenes.datasets.aria.tables import AriaTables, tables_of
from tests.support.photographs import SIDES, TIME_NS, UID, WALL, box_pose, write_aria


@pytest.fixture
def tables(tmp_path: Path) -> AriaTables:
    return AriaTables(write_aria(tmp_path / "Apartment_seq1"))


def test_boxes_and_poses_are_read_by_object(tables: AriaTables) -> None:
    half = torch.from_numpy(SIDES) / 2
    torch.testing.assert_close(tables.boxes[UID], torch.stack([-half, half]))
    assert tables.instances[UID]["prototype_name"] == "Carton"
    pose = tables.scene_T_object(UID, TIME_NS)
    assert pose is not None
    torch.testing.assert_close(pose, box_pose())


def test_a_pose_belongs_to_its_time_and_one_of_a_static_object_to_all(tables: AriaTables) -> None:
    later = tables.scene_T_object(UID, TIME_NS + 10**9 + 4_000_000)
    assert later is not None
    assert later[:3, 3].tolist() == [9, 9, 9]
    torch.testing.assert_close(later[:3, :3], torch.eye(3).double())
    assert tables.scene_T_object(UID, TIME_NS + 10**9 // 2) is None
    assert tables.scene_T_object(WALL, 5) is not None
    assert tables.scene_T_object(99, TIME_NS) is None
    assert tables.scene_T_device(TIME_NS + 10_000_000) is None


def test_what_another_camera_sees_is_left_out(tables: AriaTables) -> None:
    seen = tables.seen("214-1")
    assert {time: [each.uid for each in there] for time, there in seen.items()} == {TIME_NS: [UID, WALL]}
    assert seen[TIME_NS][0].visible == 0.75
    assert seen[TIME_NS][0].x == (600, 800)


@pytest.mark.parametrize("name", ["instances.json", "3d_bounding_box.csv", "scene_objects.csv", "2d_bounding_box.csv"])
def test_a_damaged_table_is_named(tables: AriaTables, name: str) -> None:
    path = tables.folder / name
    path.write_text(path.read_text().replace(str(UID), "some").replace("instance_name", "name"))
    with pytest.raises(ValueError, match=f"{name} is damaged"):
        _ = (tables.instances, tables.boxes, tables.scene_T_object(UID, TIME_NS), tables.seen("214-1"))


def test_a_missing_table_is_named(tables: AriaTables) -> None:
    (tables.folder / "aria_trajectory.csv").unlink()
    with pytest.raises(FileNotFoundError, match=r"has no aria_trajectory\.csv: give a sequence"):
        AriaTables(tables.folder)


def test_tables_of_many_sequences_stay_open(tmp_path: Path) -> None:
    folders = [write_aria(tmp_path / str(k)) for k in range(6)]
    first = [tables_of(folder) for folder in folders]
    assert all(tables_of(folder) is tables for folder, tables in zip(folders, first, strict=True))
