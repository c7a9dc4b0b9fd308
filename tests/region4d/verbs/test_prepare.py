"""`region4d prepare` turns data sets into what probe studies read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from models.geometry import transform, unproject
from probes.clips.label_files import LabelFile
from probes.clips.labelled_clips import LabelledClips
from probes.clips.view_sampler import ViewSampler
from scenes.datasets.co3d import list_co3d
from scenes.readers.open_clip import open_clip
from scenes.readers.rgbd import write_rgbd_folder
from tests.support.clips.rgbd_clips import orbit_clip
from tests.support.folders.co3d_folder import read_jgz, write_category, write_jgz
from tests.support.folders.dl3dv_folder import write_scene
from tests.support.programs.command_line import Run, assert_one_line

SMALL = ("--height", "18", "--width", "32", "--label-height", "9", "--label-width", "16")


@pytest.fixture
def co3d(tmp_path: Path) -> Path:
    write_category(tmp_path / "co3d", "apple", {"1": 6, "2": 4, "3": 6, "4": 6}, (40, 64), lambda _: (26, 14, 38, 26))
    return tmp_path / "co3d"


def test_co3d_becomes_label_files_that_a_study_reads(region4d: Run, co3d: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    words = ("prepare", "co3d", str(co3d), "--count", "5", *SMALL, "-o", str(output))
    code, out, err = region4d(*words)
    assert code == 0, err
    assert "3 clips with labels (1 left out)" in out
    assert "apple-2 is left out: it has 4 frames" in err
    file = LabelFile(output / "labels" / "apple-1.safetensors")
    assert (len(file), file.size, file.has_masks) == (5, (9, 16), True)
    clips = LabelledClips(folder=str(output / "labels"), videos=str(output / "videos"), sampler=ViewSampler(2, 4, 1, 1))
    assert clips.clip("apple-1").video.shape == (5, 3, 18, 32)
    made = (output / "labels" / "apple-1.safetensors").stat().st_mtime_ns
    assert region4d(*words)[0] == 0  # again: what is finished is kept
    assert (output / "labels" / "apple-1.safetensors").stat().st_mtime_ns == made


def test_a_sequence_with_a_lost_camera_is_left_out(region4d: Run, co3d: Path, tmp_path: Path) -> None:
    entries = read_jgz(co3d / "apple" / "frame_annotations.jgz")
    next(entry for entry in entries if entry["sequence_name"] == "3")["viewpoint"]["T"] = [1e6, 0, 0]
    write_jgz(co3d / "apple" / "frame_annotations.jgz", entries)
    code, out, err = region4d("prepare", "co3d", str(co3d), "--count", "5", *SMALL, "-o", str(tmp_path / "out"))
    assert code == 0, err
    assert "2 clips with labels (2 left out)" in out
    assert "left out: apple-3: the camera of frame" in err


def test_the_labels_of_co3d_are_the_points_of_its_depth(region4d: Run, co3d: Path, tmp_path: Path) -> None:
    words = ("--height", "18", "--width", "32", "--label-height", "18", "--label-width", "32")
    assert region4d("prepare", "co3d", str(co3d), "--count", "5", *words, "-o", str(tmp_path / "out"))[0] == 0
    labels = LabelFile(tmp_path / "out" / "labels" / "apple-1.safetensors")
    clip = list_co3d(co3d, "apple")[0].read(indices=range(labels.start, labels.start + 5))
    points = transform(unproject(clip.depth, clip.intrinsics), clip.world_T_cam, "world")
    crop = points.xyz[:, 11:29, 16:48]  # 18 x 32 pixels around the centre of the picture
    torch.testing.assert_close(labels._read("pointmaps", range(5)), crop)
    assert torch.equal(labels._read("confmaps", range(5))[..., 0] > 0, points.valid[:, 11:29, 16:48])


def test_dl3dv_takes_depth_that_another_program_wrote(region4d: Run, tmp_path: Path) -> None:
    write_scene(tmp_path / "dl3dv", "1K", "0a1b", 12)
    output, depth = tmp_path / "out", tmp_path / "depth"
    words = ("prepare", "dl3dv", str(tmp_path / "dl3dv"), "--count", "6", *SMALL, "-o", str(output))
    code, out, err = region4d(*words)
    assert code == 0, err
    assert "add --depth" in out
    assert len(list((output / "videos" / "1K-0a1b").iterdir())) == 6
    assert not (output / "labels").exists()
    depth.mkdir()
    np.savez(depth / "1K-0a1b.npz", depth=np.full((6, 18, 32), 2, np.float32))
    assert region4d(*words, "--depth", str(depth))[0] == 0
    labels = LabelFile(output / "labels" / "1K-0a1b.safetensors").labels([0, 1], unproject=True)
    assert (labels.depth > 0).all()


def test_outliers_of_dl3dv_are_dropped_unless_they_are_wanted(region4d: Run, tmp_path: Path) -> None:
    for name in ("6da29bd9d9b5aaaa", "0a1b"):
        write_scene(tmp_path / "dl3dv", "3K", name, 6)
    words = ("prepare", "dl3dv", str(tmp_path / "dl3dv"), "--count", "6", *SMALL, "-o", str(tmp_path / "out"))
    code, out, err = region4d(*words)
    assert code == 0, err
    assert "dropped as in the published study (--outliers keeps them): 3K-6da29bd9d9b5aaaa" in err
    assert [path.name for path in (tmp_path / "out" / "videos").iterdir()] == ["3K-0a1b"]
    code, out, err = region4d(*words, "--outliers")
    assert code == 0, err
    assert "2 clips" in out


def test_shards_share_the_sequences_out(region4d: Run, co3d: Path, tmp_path: Path) -> None:
    words = ("prepare", "co3d", str(co3d), "--count", "5", *SMALL, "-o", str(tmp_path / "out"))
    found = []
    for shard in ("0/2", "1/2"):
        code, _, err = region4d(*words, "--shard", shard)
        assert code == 0, err
        found.append(sorted(path.stem for path in (tmp_path / "out" / "labels").iterdir()))
    assert found == [["apple-1", "apple-3"], ["apple-1", "apple-3", "apple-4"]]


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["co3d", "HERE/none"], ["no such CO3D folder", "none"]),
        (["co3d", "HERE/co3d", "--category", "pear"], ["no category 'pear'", "apple"]),
        (["co3d", "HERE/co3d", "--category", "apple", "--depth", "HERE/none", "--count", "3"], ["no folder of depth"]),
        (["co3d", "HERE/co3d", "--shard", "2/2"], ["--shard 2/2 is not I/N", "0/2"]),
        (["co3d", "HERE/co3d", "--workers", "2", "--shard", "0/2"], ["--workers 2 with --shard 0/2", "one of them"]),
        (["co3d", "HERE/co3d", "--workers", "many"], ["--workers many is not a number of processes", "auto"]),
        (["dl3dv", "HERE"], ["no scenes of DL3DV"]),
        (["re10k"], ["no such file or folder: re10k"]),
        (["re10k", "HERE"], ["unexpected extra argument", "--help"]),
        (["co3d"], ["ROOT", "--help"]),
    ],
)
def test_wrong_input_is_one_line(region4d: Run, co3d: Path, tmp_path: Path, words: list[str], parts: list[str]) -> None:
    output = tmp_path / "out"
    given = [word.replace("HERE", str(tmp_path)) for word in words]
    assert_one_line(region4d("prepare", *given, *(["-o", str(output)] if len(given) > 1 else [])), *parts)
    assert not output.exists()


def test_a_picture_shows_the_points_of_prepared_footage(region4d: Run, tmp_path: Path) -> None:
    write_rgbd_folder(orbit_clip(), tmp_path / "room")
    words = ("prepare", "footage", str(tmp_path / "room"), "--frames", "3", "--picture", str(tmp_path / "points.png"))
    code, out, err = region4d(*words, "-o", str(tmp_path / "out"))
    assert code == 0, err
    assert "3 frames with camera poses" in out
    assert Image.open(tmp_path / "points.png").width > 3 * 480
    assert open_clip(tmp_path / "out").depth is not None


def test_a_picture_without_poses_is_one_line_before_anything_is_written(region4d: Run, tmp_path: Path) -> None:
    clip = orbit_clip()
    write_rgbd_folder(replace(clip, world_T_cam=None), tmp_path / "room", provider="a sensor")
    words = ("prepare", "footage", str(tmp_path / "room"), "--picture", str(tmp_path / "points.png"))
    assert_one_line(region4d(*words, "-o", str(tmp_path / "out")), "need depth and camera poses", "--geometry")
    assert not (tmp_path / "points.png").exists()
    assert not (tmp_path / "out").exists()


def test_poses_of_odometry_come_with_what_they_rely_on(region4d: Run, tmp_path: Path) -> None:
    write_rgbd_folder(orbit_clip(), tmp_path / "room")
    words = ("prepare", "footage", str(tmp_path / "room"), "--geometry", "odometry", "-o", str(tmp_path / "out"))
    code, _, err = region4d(*words)
    assert code == 0, err
    assert "note: the poses of odometry rely on a scene at rest; where large objects move" in err
