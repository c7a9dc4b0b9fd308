"""Redwood folders and prepared ones: pairing, hidden files, codes, geometry.json. Real frames stand in test_folder."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from scenes.readers.rgbd import read_rgbd_folder, write_rgbd_folder
from scenes.readers.rgbd.layouts.redwood import pair
from tests.support.clips.rgbd_clips import assert_same, orbit_clip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_rgbd_folder(orbit_clip(), tmp_path / "room")
    return tmp_path / "room"


def test_colour_and_depth_of_other_frames_are_refused_by_name(folder: Path) -> None:
    """Case 68: frames were dropped on either side, so that the counts agree."""
    (folder / "color" / "00001.png").unlink()
    (folder / "depth" / "00003.png").unlink()
    log = (folder / "trajectory.log").read_text().splitlines()
    (folder / "trajectory.log").write_text("\n".join(log[:15]))
    (folder / "timestamps.txt").write_text("0\n1\n2\n")
    with pytest.raises(ValueError, match=r"color/00003.png has no depth frame of the same name"):
        read_rgbd_folder(folder)


@pytest.mark.parametrize(
    "colour, depth, order",
    [
        (["1.jpg", "2.jpg"], ["1.png", "2.png"], [0, 1]),
        (["rgb_7.png", "rgb_9.png"], ["z_0007.png", "z_0009.png"], [0, 1]),
        (
            ["0000001-000000000000.jpg", "0000002-000000033369.jpg"],
            ["0000001-000000000123.png", "0000002-000000033500.png"],
            [0, 1],
        ),
        (["1305.10.png", "1305.14.png"], ["1305.11.png", "1305.15.png"], [0, 1]),
        (["10.jpg", "9.jpg"], ["9.png", "10.png"], [1, 0]),
    ],
)
def test_frames_pair_by_name_number_or_time(colour: list[str], depth: list[str], order: list[int]) -> None:
    paths = [Path("depth") / name for name in depth]
    assert pair([Path("color") / name for name in colour], paths) == [paths[i] for i in order]


@pytest.mark.parametrize("depth", [["1305.13.png", "1305.19.png"], ["b.png", "c.png"], ["3.png", "4.png"]])
def test_frames_without_a_partner_are_refused(depth: list[str]) -> None:
    with pytest.raises(ValueError, match=r"no depth frame of the same name"):
        pair([Path("color/1305.10.png"), Path("color/1305.14.png")], [Path("depth") / name for name in depth])


def test_hidden_files_of_macos_are_no_frames(folder: Path) -> None:
    """Case 17."""
    for name in ("color/._00000.png", "depth/._00000.png", "._camera.json"):
        (folder / name).write_bytes(b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X")
    assert_same(read_rgbd_folder(folder), orbit_clip())


def test_a_pose_of_minus_infinity_on_another_frame_does_not_turn_the_world(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Case 48: the up direction is the mean over all cameras."""
    (folder / "up.txt").unlink()
    path = folder / "trajectory.log"
    lines = path.read_text().splitlines()
    lines[6:10] = ["-inf -inf -inf -inf"] * 4
    path.write_text("\n".join(lines))
    with caplog.at_level(logging.WARNING):
        read = read_rgbd_folder(folder, frames=2)
    assert_same(read, orbit_clip().frames([0, 3]))
    torch.testing.assert_close(read.world_T_cam, orbit_clip().world_T_cam[[0, 3]])
    assert "1 of 4 frames are left out: they have no pose in trajectory.log" in caplog.text


def test_the_largest_16_bit_number_is_no_reading(folder: Path) -> None:
    """Case 59."""
    path = folder / "depth" / "00002.png"
    units = np.array(Image.open(path))
    units[:, :20] = 65535
    Image.fromarray(units).save(path)
    read = read_rgbd_folder(folder)
    assert (read.depth[2, :, :20] == 0).all()
    assert torch.equal(read.depth[2, :, 20:], orbit_clip().depth[2, :, 20:])


@pytest.mark.parametrize("turn", range(1, 9))
def test_colour_stays_on_the_grid_of_its_depth_whatever_exif_says(folder: Path, turn: int) -> None:
    """Case 02."""
    for i in range(4):
        path = folder / "color" / f"{i:05d}.png"
        exif = Image.Exif()
        exif[274] = turn
        image = Image.open(path)
        image.load()
        image.save(path, exif=exif)
    assert torch.equal(read_rgbd_folder(folder).video, orbit_clip().video)


def test_sizes_as_text_and_a_byte_order_mark_are_read(folder: Path) -> None:
    """Case 52."""
    path = folder / "camera.json"
    camera = json.loads(path.read_text())
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(camera | {"width": "64", "height": "48"}).encode())
    assert_same(read_rgbd_folder(folder), orbit_clip())


def test_intrinsics_that_are_shares_of_the_picture_are_refused(folder: Path) -> None:
    """Case 53."""
    path = folder / "camera.json"
    camera = json.loads(path.read_text()) | {"intrinsic_matrix": [0.875, 0, 0, 0, 1.17, 0, 0.5, 0.5, 1]}
    path.write_text(json.dumps(camera))
    with pytest.raises(ValueError, match=r"camera.json: a focal length of 0.875 pixels .* over 170 degrees"):
        read_rgbd_folder(folder)


@pytest.mark.parametrize("unit, factor", [("nanoseconds", 10**9), ("microseconds", 10**6), ("milliseconds", 1000)])
def test_times_since_1970_in_other_units_are_refused(folder: Path, unit: str, factor: int) -> None:
    """Case 72."""
    stamps = [int((1305031102.175 + i / 30) * factor) for i in range(4)]
    (folder / "timestamps.txt").write_text("\n".join(map(str, stamps)))
    with pytest.raises(ValueError, match=f"timestamps.txt: times look like {unit}, not seconds"):
        read_rgbd_folder(folder)


def test_whole_numbers_that_may_be_milliseconds_are_said(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    (folder / "timestamps.txt").write_text("0\n33\n67\n100\n")
    with caplog.at_level(logging.WARNING):
        assert read_rgbd_folder(folder).seconds.tolist() == [0, 33, 67, 100]
    assert "if the times are in milliseconds" in caplog.text


def test_shifted_bits_are_refused(folder: Path) -> None:
    """Case 61: every value is a multiple of 8, and the room is eight times too deep."""
    for i in range(4):
        path = folder / "depth" / f"{i:05d}.png"
        Image.fromarray(np.array(Image.open(path)) << 3).save(path)
    with pytest.raises(ValueError, match=r"three zero bits.*SUN RGB-D.*--depth-scale 8000"):
        read_rgbd_folder(folder, indices=[0])
    read = read_rgbd_folder(folder, indices=[0], depth_scale=8000)
    torch.testing.assert_close(read.depth, orbit_clip().depth[:1])


def test_whole_depth_in_metres_is_not_taken_for_shifted_bits(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    for i in range(4):
        Image.fromarray(np.full((48, 64), 3000, np.uint16)).save(folder / "depth" / f"{i:05d}.png")
    with caplog.at_level(logging.WARNING):
        read_rgbd_folder(folder, indices=[0])
    assert caplog.text == ""


def test_a_wrong_scale_of_depth_asks_for_the_right_one(folder: Path) -> None:
    for i in range(4):
        path = folder / "depth" / f"{i:05d}.png"
        path.unlink()
        np.save(path.with_suffix(".npy"), (orbit_clip().depth[i] * 1000).numpy())  # millimetres, not metres
    with pytest.raises(ValueError, match=r"median depth would be .* m, outside of 0.05 to 200 m.*--depth-scale"):
        read_rgbd_folder(folder)
    torch.testing.assert_close(read_rgbd_folder(folder, depth_scale=1000).depth, orbit_clip().depth)


def test_float_depth_in_metres_is_read_with_its_holes(folder: Path) -> None:
    for i in range(4):
        (folder / "depth" / f"{i:05d}.png").unlink()
        depth = orbit_clip().depth[i].numpy().copy()
        depth[0, :4] = [np.nan, np.inf, -1, 1e10]
        np.save(folder / "depth" / f"{i:05d}.npy", depth)
    read = read_rgbd_folder(folder)
    assert (read.depth[:, 0, :4] == 0).all()
    assert torch.equal(read.depth[:, 1:], orbit_clip().depth[:, 1:])


def test_a_prepared_folder_gives_back_relative_depth_confidence_and_moving_intrinsics(tmp_path: Path) -> None:
    clip = orbit_clip()
    zoom = torch.tensor([1, 1.1, 1.2, 1.3])[:, None, None] ** torch.tensor([[1.0, 0, 0], [0, 1, 0], [0, 0, 0]])
    confidence = clip.depth / clip.depth.max()
    relative = replace(
        clip,
        depth=clip.depth / 100,
        world_T_cam=torch.cat([clip.world_T_cam[:, :, :3], clip.world_T_cam[:, :, 3:]], 2),
        intrinsics=clip.intrinsics * zoom,
        metric=False,
        confidence=confidence,
    )
    relative.world_T_cam[:, :3, 3] /= 100
    write_rgbd_folder(relative, tmp_path / "a", provenance={"checkpoint": "x"}, provider="VGGT")
    geometry = json.loads((tmp_path / "a" / "geometry.json").read_text())
    assert {key: geometry[key] for key in ("format", "metric", "provider")} == {
        "format": 1,
        "metric": False,
        "provider": "VGGT",
    }
    assert geometry["provenance"] == {"checkpoint": "x"}
    read = read_rgbd_folder(tmp_path / "a")
    assert not read.metric
    assert torch.equal(read.intrinsics, relative.intrinsics)
    torch.testing.assert_close(read.depth, relative.depth, atol=float(relative.depth.max()) / 65534, rtol=0)
    torch.testing.assert_close(read.confidence, confidence, atol=1 / 65534, rtol=0)
    torch.testing.assert_close(read.world_T_cam, relative.world_T_cam)
    two = read_rgbd_folder(tmp_path / "a", indices=[1, 3])
    assert torch.equal(two.intrinsics, relative.intrinsics[[1, 3]])
    assert torch.equal(two.confidence, read.confidence[[1, 3]])


def test_a_prepared_folder_may_lack_poses(tmp_path: Path) -> None:
    write_rgbd_folder(replace(orbit_clip(), world_T_cam=None), tmp_path / "a", provider="Depth Pro")
    read = read_rgbd_folder(tmp_path / "a")
    assert read.world_T_cam is None
    assert read.metric
    assert torch.equal(read.depth, orbit_clip().depth)
    with pytest.raises(ValueError, match=r"depth, intrinsics and poses"):
        write_rgbd_folder(replace(orbit_clip(), world_T_cam=None), tmp_path / "b")


@pytest.mark.parametrize(
    "change, message",
    [
        ({"format": 2}, "format 2; this version reads format 1"),
        ({"metric": "yes"}, "needs 'metric'"),
        ({"depth_scale": 0}, "needs a positive number 'depth_scale'"),
        ({"depth_scale": None}, "needs a positive number 'depth_scale'"),
        ({"depth_scale": [1]}, "needs a positive number 'depth_scale'"),
    ],
)
def test_a_damaged_geometry_file_gives_one_clear_line(tmp_path: Path, change: dict, message: str) -> None:
    write_rgbd_folder(orbit_clip(), tmp_path / "a", provider="x")
    path = tmp_path / "a" / "geometry.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(ValueError, match=message):
        read_rgbd_folder(tmp_path / "a")


def test_a_plain_clip_is_written_without_geometry_json(folder: Path) -> None:
    assert sorted(file.name for file in folder.iterdir()) == [
        "camera.json",
        "color",
        "depth",
        "timestamps.txt",
        "trajectory.log",
        "up.txt",
    ]


def test_depth_that_would_be_written_as_no_reading_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"16 bits"):
        write_rgbd_folder(replace(orbit_clip(), depth=torch.full((4, 48, 64), 65.535)), tmp_path / "a")


@pytest.mark.parametrize("text", ["[" * 100_000, '{"parameters": []}', '{"parameters": 3}', '{"parameters": [[]]}'])
def test_pathological_trajectories_give_one_clear_line(folder: Path, text: str) -> None:
    (folder / "trajectory.log").unlink()
    (folder / "trajectory.json").write_text(text)
    with pytest.raises(ValueError, match=r"trajectory.json") as caught:
        read_rgbd_folder(folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", ["9" * 400, "NaN", "[[]]", '"x"', "{}"])
def test_pathological_cameras_give_one_clear_line(folder: Path, value: str) -> None:
    for text in (
        f'{{"width": {value}, "height": 48, "intrinsic_matrix": [50, 0, 0, 0, 50, 0, 32, 24, 1]}}',
        f'{{"width": 64, "height": 48, "intrinsic_matrix": [{value}, 0, 0, 0, 50, 0, 32, 24, 1]}}',
    ):
        (folder / "camera.json").write_text(text)
        with pytest.raises(ValueError, match=r"camera.json|intrinsics are not finite") as caught:
            read_rgbd_folder(folder)
        assert "\n" not in str(caught.value)
