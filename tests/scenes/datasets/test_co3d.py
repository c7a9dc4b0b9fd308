"""CO3D folders in the published layout: cameras and depth agree, only wanted frames are decoded, damage is said."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from models.geometry import invert, transform_points, unproject
from scenes.datasets.co3d import Co3dSequence, list_co3d, list_co3d_categories
from scenes.datasets.lost_cameras import LostCamera
from tests.support.folders.co3d_folder import PLANE, plane_depth, read_jgz, write_category, write_jgz

SIZE = (30, 40)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_category(tmp_path, "apple", {"110_1_2": 4, "189_3_4": 2}, SIZE)
    return tmp_path


@pytest.fixture
def sequence(root: Path) -> Co3dSequence:
    return list_co3d(root, "apple")[0]


def test_sequences_are_listed_with_their_names_and_sizes(root: Path) -> None:
    found = list_co3d(root, "apple")
    assert [one.name for one in found] == ["apple-110_1_2", "apple-189_3_4"]
    assert [len(one) for one in found] == [4, 2]
    assert found[0].size == SIZE
    assert found[0].quality == 1.5
    assert list_co3d_categories(root) == ["apple"]


def test_a_set_list_and_missing_pictures_narrow_the_listing(root: Path) -> None:
    assert [one.sequence for one in list_co3d(root, "apple", "fewview_dev")] == ["110_1_2"]
    shutil.rmtree(root / "apple" / "110_1_2")  # of a partial download
    assert [one.sequence for one in list_co3d(root, "apple")] == ["189_3_4"]
    with pytest.raises(FileNotFoundError, match="annotations of 1 sequences, but the pictures of none"):
        list_co3d(root, "apple", "fewview_dev")


def test_depth_and_cameras_of_all_frames_see_one_plane(sequence: Co3dSequence) -> None:
    """The folder's depth was met with the plane in PyTorch3D's own axes; the first camera looks straight at it."""
    clip = sequence.read()
    points = unproject(clip.depth, clip.intrinsics)
    first_T_cam = invert(clip.world_T_cam[0]) @ clip.world_T_cam
    seen = transform_points(points.xyz, first_T_cam[:, None, None])[points.valid]
    assert (seen[:, 2] - PLANE).abs().max() < 0.01  # half precision keeps 11 bits of about 6
    assert clip.name == "apple-110_1_2"


def test_depth_is_half_precision_times_the_scale_and_0_where_it_is_not_reliable(sequence: Co3dSequence) -> None:
    depth = sequence.read(indices=[2]).depth[0]
    assert depth[0, 0] == 0  # infinite in the file
    assert (depth[:, -1] == 0).all()  # left out by the depth mask
    exact = plane_depth(2, SIZE).float()[1:, :-1]
    torch.testing.assert_close(depth[1:, :-1], exact, atol=0, rtol=2**-10)


def test_only_wanted_frames_are_decoded(root: Path, sequence: Co3dSequence) -> None:
    for part in ("images", "depths", "masks", "depth_masks"):
        for path in (root / "apple" / "110_1_2" / part).iterdir():
            if "000001" not in path.name and "000003" not in path.name:
                path.write_bytes(b"broken")
    clip = sequence.read(indices=[0, 2])
    assert (clip.video[1].float() - 20).abs().max() <= 2  # JPEG
    assert sequence.masks([0, 2]).shape == (2, *SIZE)
    with pytest.raises(ValueError, match="cannot be read as a picture"):
        sequence.read(indices=[1])


def test_a_frame_has_one_pose_whichever_frames_are_taken(sequence: Co3dSequence) -> None:
    every, some = sequence.read(), sequence.read(indices=[1, 3], depth=False)
    assert some.depth is None
    assert torch.equal(some.world_T_cam, every.world_T_cam[[1, 3]])
    up = -every.world_T_cam[:, :3, 1].mean(0)
    torch.testing.assert_close(up / up.norm(), torch.tensor([0.0, 0, 1]), atol=1e-5, rtol=0)


def test_times_are_those_written_or_else_frame_numbers_over_fps(root: Path, sequence: Co3dSequence) -> None:
    torch.testing.assert_close(sequence.read(fps=4).seconds, torch.tensor([0, 0.25, 0.5, 0.75]))
    entries = read_jgz(root / "apple" / "frame_annotations.jgz")
    for entry in entries:
        entry["frame_timestamp"] = 2 + 0.5 * entry["frame_number"]
    write_jgz(root / "apple" / "frame_annotations.jgz", entries)
    timed = list_co3d(root, "apple")[0]
    torch.testing.assert_close(timed.read(indices=[1, 2]).seconds, torch.tensor([0.5, 1]))


def test_masks_hold_the_probability_of_the_object(sequence: Co3dSequence) -> None:
    mask = sequence.masks([1])[0]
    assert (mask[5:25, 10:30] == 200).all()
    assert int((mask > 0).sum()) == 20 * 20


def test_old_ndc_has_a_unit_for_each_side(root: Path, sequence: Co3dSequence) -> None:
    entries = read_jgz(root / "apple" / "frame_annotations.jgz")
    for entry in entries:
        entry["viewpoint"]["focal_length"][0] *= 30 / 40
        entry["viewpoint"]["principal_point"][0] *= 30 / 40
        del entry["viewpoint"]["intrinsics_format"]
    write_jgz(root / "apple" / "frame_annotations.jgz", entries)
    torch.testing.assert_close(list_co3d(root, "apple")[0].read().intrinsics, sequence.read().intrinsics)


@pytest.mark.parametrize("translation", [[1e6, 0, 0], [0, -2e5, 0], [0, 0, 1e300], [float("nan"), 0, 0]])
def test_a_sequence_with_a_lost_camera_is_refused_whichever_frames_are_taken(
    root: Path, translation: list[float]
) -> None:
    entries = read_jgz(root / "apple" / "frame_annotations.jgz")
    for entry in entries:
        if entry["sequence_name"] == "110_1_2" and entry["frame_number"] == 3:
            entry["viewpoint"]["T"] = translation
    write_jgz(root / "apple" / "frame_annotations.jgz", entries)
    lost, whole = list_co3d(root, "apple")
    for indices in ([0, 1], [2, 3]):
        with pytest.raises(LostCamera, match="apple-110_1_2: the camera of frame 3 is"):
            lost.read(indices=indices)
    assert len(whole.read()) == 2


def test_a_camera_far_from_the_origin_of_its_reconstruction_is_read(root: Path) -> None:
    entries = read_jgz(root / "apple" / "frame_annotations.jgz")
    for entry in entries:
        entry["viewpoint"]["T"] = [9e4, 0, 0]
    write_jgz(root / "apple" / "frame_annotations.jgz", entries)
    assert len(list_co3d(root, "apple")[0].read()) == 4


def damage(folder: Path, what: str) -> None:
    annotations = folder / "frame_annotations.jgz"
    entries = read_jgz(annotations)
    first = next(e for e in entries if e["sequence_name"] == "110_1_2" and e["frame_number"] == 0)
    files = folder / "110_1_2"
    match what:
        case "frame_annotations.jgz is missing":
            annotations.unlink()
            return
        case "sequence_annotations.jgz is missing":
            (folder / "sequence_annotations.jgz").unlink()
        case "is truncated or not gzipped JSON":
            annotations.write_bytes(annotations.read_bytes()[:-50])
            return
        case "has a dict instead":
            write_jgz(annotations, {})
            return
        case "is not a CO3D frame":
            del first["image"]
        case "R has 6 numbers":
            first["viewpoint"]["R"] = first["viewpoint"]["R"][:2]
        case "'fisheye' is unknown; expected one of ndc_isotropic":
            first["viewpoint"]["intrinsics_format"] = "fisheye"
        case "has no viewpoint":
            first["viewpoint"] = None
        case "has no depth":
            first["depth"] = None
        case "has no mask":
            first["mask"] = None
        case "frame000001.jpg is missing":
            (files / "images" / "frame000001.jpg").unlink()
        case "says 40x30":
            for path in (files / "images").iterdir():
                Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(path)
        case "another size than its depth":
            Image.fromarray(np.zeros((8, 8), bool)).save(files / "depth_masks" / "frame000001.png")
        case "16-bit":
            Image.fromarray(np.zeros(SIZE, np.uint8)).save(files / "depths" / "frame000001.jpg.geometric.png")
        case "pose is not rigid":
            first["viewpoint"]["R"][0] = [3.0, 0, 0]
    write_jgz(annotations, entries)


def read_everything(root: Path) -> None:
    sequence = list_co3d(root, "apple")[0]
    sequence.masks([0])
    sequence.read()


@pytest.mark.parametrize(
    "what",
    [
        "frame_annotations.jgz is missing",
        "sequence_annotations.jgz is missing",
        "is truncated or not gzipped JSON",
        "has a dict instead",
        "is not a CO3D frame",
        "R has 6 numbers",
        "'fisheye' is unknown; expected one of ndc_isotropic",
        "has no viewpoint",
        "has no depth",
        "has no mask",
        "frame000001.jpg is missing",
        "says 40x30",
        "another size than its depth",
        "16-bit",
        "pose is not rigid",
    ],
)
def test_a_damaged_folder_gives_one_clear_line(root: Path, what: str) -> None:
    damage(root / "apple", what)
    with pytest.raises((ValueError, FileNotFoundError), match=what) as caught:
        read_everything(root)
    assert "\n" not in str(caught.value)


def test_what_is_not_there_is_said_with_what_is(root: Path, sequence: Co3dSequence) -> None:
    with pytest.raises(FileNotFoundError, match="no category 'pear' of CO3D, only apple"):
        list_co3d(root, "pear")
    with pytest.raises(FileNotFoundError, match="no set list 'manyview_test', only fewview_dev"):
        list_co3d(root, "apple", "manyview_test")
    with pytest.raises(FileNotFoundError, match="no such CO3D folder"):
        list_co3d_categories(root / "nowhere")
    with pytest.raises(ValueError, match="frames 0 to 3, got"):
        sequence.read(indices=[4])
