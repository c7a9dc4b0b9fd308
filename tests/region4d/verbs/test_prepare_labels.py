"""`region4d prepare co3d|dl3dv --geometry vggt:...` labels clips by VGGT, from a checkout and weights of the user's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from probes.clips.label_files import LabelFile
from probes.clips.labelled_clips import LabelledClips
from probes.clips.view_sampler import ViewSampler
from scenes.readers.open_clip import open_clip
from scenes.readers.rgbd import write_rgbd_folder
from tests.support.clips.rgbd_clips import orbit_clip
from tests.support.folders.co3d_folder import write_category
from tests.support.folders.dl3dv_folder import write_scene
from tests.support.folders.vggt_checkout import answer
from tests.support.programs.command_line import Run, assert_one_line

SIZE = (18, 32)
WORDS = ("--count", "5", "--height", "18", "--width", "32", "--label-height", "18", "--label-width", "32")


@pytest.fixture
def co3d(tmp_path: Path) -> Path:
    write_category(tmp_path / "co3d", "apple", {"1": 6, "3": 6, "4": 6}, (40, 64), lambda _: (26, 14, 38, 26))
    return tmp_path / "co3d"


def test_labels_are_the_points_cameras_and_confidence_of_vggt(
    region4d: Run, vggt: str, co3d: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    words = ("prepare", "co3d", str(co3d), *WORDS, "--geometry", f"vggt:{vggt}", "-o", str(output))
    code, out, err = region4d(*words)
    assert code == 0, err
    assert "3 clips with labels (0 left out)" in out
    file = LabelFile(output / "labels" / "apple-1.safetensors")
    assert (file.origin or "").startswith("vggt:VGGT-tiny (")
    assert file.has_masks
    greys = [int(picture[0, 0, 0]) for picture in file.images(range(5))]
    assert greys == [10 * (file.start + k) for k in range(5)]
    answers = [answer(grey, k, *SIZE) for k, grey in enumerate(greys)]
    for k, (points, camera, intrinsics) in enumerate(answers):
        np.testing.assert_allclose(file._read("pointmaps", [k])[0], points, atol=1e-5)
        np.testing.assert_allclose(file._read("extrinsic", [k])[0], camera[:3], atol=1e-5)
        np.testing.assert_allclose(file._read("intrinsic", [k])[0], intrinsics, rtol=1e-5)
        torch.testing.assert_close(file._read("confmaps", [k]), torch.full((1, *SIZE, 1), 1 + greys[k] / 255))


def test_a_study_reads_them_in_units_of_the_first_view(region4d: Run, vggt: str, co3d: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    assert region4d("prepare", "co3d", str(co3d), *WORDS, "--geometry", f"vggt:{vggt}", "-o", str(output))[0] == 0
    clips = LabelledClips(folder=str(output / "labels"), videos=str(output / "videos"), sampler=ViewSampler(2, 4, 1, 1))
    start = LabelFile(output / "labels" / "apple-1.safetensors").start
    first, second = (answer(10 * (start + frame), frame, *SIZE) for frame in (1, 3))
    to_first = first[1]
    expected = [points @ to_first[:3, :3].T + to_first[:3, 3] for points, _, _ in (first, second)]
    unit = np.linalg.norm(expected[0], axis=-1).mean()
    labels = clips.labels("apple-1", [1, 3])
    np.testing.assert_allclose(labels.points, np.stack(expected) / unit, atol=1e-5)
    relative = second[1] @ np.linalg.inv(first[1])
    relative[:3, 3] /= unit
    np.testing.assert_allclose(labels.cam_T_world[1], relative, atol=1e-5)
    assert labels.valid.all()
    assert (labels.confidence > 1).all()


def test_dl3dv_is_labelled_in_one_run_and_continues(region4d: Run, vggt: str, tmp_path: Path) -> None:
    for name in ("0a1b", "0c2d"):
        write_scene(tmp_path / "dl3dv", "1K", name, 6)
    output = tmp_path / "out"
    words = ("prepare", "dl3dv", str(tmp_path / "dl3dv"), *WORDS, "--geometry", f"vggt:{vggt}", "-o", str(output))
    for shard, count in (("0/2", 1), ("0/2", 1), ("1/2", 2)):
        code, out, err = region4d(*words, "--shard", shard)
        assert code == 0, err
        assert "1 clips with labels" in out
        assert len(list((output / "labels").iterdir())) == count
    labels = LabelFile(output / "labels" / "1K-0a1b.safetensors")
    assert not labels.has_masks
    assert (labels.origin or "").startswith("vggt:VGGT-tiny (")


@pytest.mark.parametrize("says", [True, False])
def test_labels_of_two_origins_are_not_mixed(says: bool, region4d: Run, vggt: str, co3d: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    words = ("prepare", "co3d", str(co3d), *WORDS, "-o", str(output))
    assert region4d(*words, "--limit", "1")[0] == 0
    labels = output / "labels" / "apple-1.safetensors"
    if not says:  # as earlier versions wrote them
        save_file(load_file(labels), labels)
    assert_one_line(
        region4d(*words, "--geometry", f"vggt:{vggt}"),
        f"has labels {'of the data set' if says else 'that do not say what they are of'}",
        "(of clip apple-1), not of vggt:VGGT-tiny (",
        "another --output",
    )
    assert list((output / "labels").iterdir()) == [labels]
    assert region4d(*words)[0] == 0  # the own depth goes on


def test_depth_of_two_programs_is_not_mixed(region4d: Run, tmp_path: Path) -> None:
    write_scene(tmp_path / "dl3dv", "1K", "0a1b", 6)
    words = ("prepare", "dl3dv", str(tmp_path / "dl3dv"), *WORDS, "-o", str(tmp_path / "out"))
    for value in (1, 2):
        (tmp_path / str(value)).mkdir()
        np.savez(tmp_path / str(value) / "1K-0a1b.npz", depth=np.full((5, 18, 32), value, np.float32))
    for _ in range(2):
        assert region4d(*words, "--depth", str(tmp_path / "1"))[0] == 0
    said = region4d(*words, "--depth", str(tmp_path / "2"))
    assert_one_line(said, "has labels of depth of another program", "another --output")


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["--geometry", "vggt:WEIGHTS@HERE"], ["no checkout of VGGT at", "vggt/models/vggt.py", "clone"]),
        (["--geometry", "vggt:HERE/none@CHECKOUT"], ["no weights of VGGT", "hf download"]),
        (["--geometry", "vggt:WEIGHTS@CHECKOUT", "--device", "cuda:9"], ["no device 'cuda:9'"]),
        (["--geometry", "vggt:WEIGHTS@CHECKOUT", "--depth", "HERE"], ["both give depth", "leave one out"]),
        (["--geometry", "odometry"], ["does not join the frames", "vggt:WEIGHTS@CHECKOUT", "--depth"]),
        (["--geometry", "depth.npz"], ["does not join the frames", "--depth"]),
    ],
)
def test_wrong_input_is_one_line_and_nothing_is_written(
    region4d: Run, vggt: str, co3d: Path, tmp_path: Path, words: list[str], parts: list[str]
) -> None:
    weights, _, checkout = vggt.partition("@")
    output = tmp_path / "out"
    places = {"WEIGHTS": weights, "CHECKOUT": checkout, "HERE": str(tmp_path)}
    for name, place in places.items():
        words = [word.replace(name, place) for word in words]
    assert_one_line(region4d("prepare", "co3d", str(co3d), *WORDS, *words, "-o", str(output)), *parts)
    assert not output.exists()


def test_a_checkout_that_needs_a_package_is_one_line(region4d: Run, vggt: str, co3d: Path, tmp_path: Path) -> None:
    _, _, checkout = vggt.partition("@")
    (Path(checkout) / "vggt" / "heads" / "heads.py").write_text("import a_package_that_nobody_has\n")
    result = region4d("prepare", "co3d", str(co3d), *WORDS, "--geometry", f"vggt:{vggt}", "-o", str(tmp_path / "out"))
    assert_one_line(result, "VGGT cannot be imported", "a_package_that_nobody_has", "install what it needs")
    assert not (tmp_path / "out").exists()


def test_footage_of_ones_own_takes_vggt_too(region4d: Run, vggt: str, tmp_path: Path) -> None:
    write_rgbd_folder(orbit_clip(), tmp_path / "room")
    words = ("prepare", "footage", str(tmp_path / "room"), "--frames", "3", "--geometry", f"vggt:{vggt}")
    code, out, err = region4d(*words, "-o", str(tmp_path / "out"))
    assert code == 0, err
    assert "3 frames with camera poses" in out
    assert "of unknown scale" in out
    clip = open_clip(tmp_path / "out")
    step = torch.linalg.inv(clip.world_T_cam[0]) @ clip.world_T_cam[1]  # whatever is up
    np.testing.assert_allclose(torch.linalg.inv(step), answer(0, 1, 2, 2)[1], atol=1e-4)


@pytest.mark.long
def test_two_processes_write_the_bytes_of_one(region4d: Run, vggt: str, tmp_path: Path) -> None:
    for name in ("0a1b", "0c2d", "0e3f"):
        write_scene(tmp_path / "dl3dv", "1K", name, 6)
    words = ("prepare", "dl3dv", str(tmp_path / "dl3dv"), *WORDS, "--geometry", f"vggt:{vggt}")
    found = []
    for workers in ("1", "2"):
        output = tmp_path / workers
        code, out, err = region4d(*words, "--workers", workers, "-o", str(output))
        assert code == 0, err
        assert "3 clips with labels (0 left out)" in out
        files = sorted(path for path in output.rglob("*") if path.is_file())
        found.append({path.relative_to(output): path.read_bytes() for path in files})
    assert len(found[0]) == 3 * 5 + 3
    assert found[0] == found[1]
