"""From CO3D and DL3DV folders to prepared clips."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image

from models.geometry import project
from probes.clips.object_window import Unsuitable
from probes.clips.preparation import Prepared, crop_and_resize, prepare_co3d, prepare_dl3dv
from scenes.clip import Clip, Truth
from scenes.datasets.co3d import Co3dSequence, list_co3d
from scenes.datasets.dl3dv import Dl3dvScene, list_dl3dv
from tests.support.folders.co3d_folder import Box, write_category
from tests.support.folders.dl3dv_folder import write_scene

SIZE = (18, 32)


def centred_later(index: int) -> Box:
    """The object is in a corner for four frames, then in the middle."""
    return (0, 0, 8, 8) if index < 4 else (26, 14, 38, 26)


@pytest.fixture
def sequence(tmp_path: Path) -> Co3dSequence:
    write_category(tmp_path, "apple", {"110_1_2": 10}, (40, 64), centred_later)
    return list_co3d(tmp_path, "apple")[0]


@pytest.fixture
def prepared(sequence: Co3dSequence) -> Prepared:
    return prepare_co3d(sequence, SIZE, count=5, depth=True)


def test_a_window_of_an_object_is_cropped_with_its_cameras(sequence: Co3dSequence, prepared: Prepared) -> None:
    """By hand: from frame 4 on the union is 26..38, with border 23..41, so the crop is 32 x 18 around the centre."""
    crop = (16, 11, 48, 29)
    whole = sequence.read(indices=range(4, 9))
    assert prepared.start == 4
    assert prepared.clip.name == "apple-110_1_2"
    assert torch.equal(prepared.clip.video, whole.video[:, :, crop[1] : crop[3], crop[0] : crop[2]])
    assert torch.equal(prepared.clip.depth, whole.depth[:, crop[1] : crop[3], crop[0] : crop[2]])
    assert torch.equal(prepared.clip.world_T_cam, whole.world_T_cam)
    point = torch.tensor([0.3, -0.2, 4.0]).expand(5, 3)
    moved = project(point, whole.intrinsics) - torch.tensor([16.0, 11.0])
    torch.testing.assert_close(project(point, prepared.clip.intrinsics), moved)


def test_foreground_is_where_the_object_is_all_but_certain(tmp_path: Path, prepared: Prepared) -> None:
    assert prepared.foreground.shape == (5, *SIZE)
    assert not prepared.foreground.any()  # the masks of the folder say 200 of 255
    for path in (tmp_path / "apple" / "110_1_2" / "masks").iterdir():
        Image.open(path).point(lambda value: 255 if value else 0).save(path)
    certain = prepare_co3d(list_co3d(tmp_path, "apple")[0], SIZE, count=5).foreground
    assert certain[0, 3:15, 10:22].all()
    assert int(certain[0].sum()) == 12 * 12


def test_crops_are_resized_to_the_size_of_the_study(sequence: Co3dSequence) -> None:
    large = prepare_co3d(sequence, (27, 48), count=5, depth=True).clip
    assert large.size == (27, 48)
    small = prepare_co3d(sequence, SIZE, count=5).clip
    assert small.depth is None
    torch.testing.assert_close(large.intrinsics[:, :2], 1.5 * small.intrinsics[:, :2])
    torch.testing.assert_close(large.video.float().mean(), small.video.float().mean(), atol=1, rtol=0)  # flat frames


def test_videos_that_lose_the_object_or_the_sharpness_are_left_out(sequence: Co3dSequence, tmp_path: Path) -> None:
    with pytest.raises(Unsuitable, match=r"apple-110_1_2 is left out: the crop would be enlarged 1\.56 times"):
        prepare_co3d(sequence, (28, 50), count=5)
    write_category(tmp_path, "pear", {"1": 5}, (40, 24), lambda _: (0, 0, 24, 40))  # upright, filled by the object
    with pytest.raises(Unsuitable, match=r"pear-1 is left out: 6\d% of the object lies outside"):
        prepare_co3d(list_co3d(tmp_path, "pear")[0], SIZE, count=5)
    with pytest.raises(Unsuitable, match="it has 10 frames, a window takes 81"):
        prepare_co3d(sequence)


@pytest.fixture
def scene(tmp_path: Path) -> Dl3dvScene:
    write_scene(tmp_path, "1K", "0a1b", 60)
    return list_dl3dv(tmp_path)[0]


def test_a_scene_gives_consecutive_frames_from_a_start_of_its_name_and_the_seed(scene: Dl3dvScene) -> None:
    first = prepare_dl3dv(scene, (27, 48), count=10)
    shown = first.clip.video[:, 0, 0, 0].tolist()
    assert shown == list(range(first.start, first.start + 10))
    again = prepare_dl3dv(scene, (27, 48), count=10)
    assert again.start == first.start
    starts = {prepare_dl3dv(scene, (27, 48), count=10, seed=seed).start for seed in range(12)}
    assert len(starts) > 6
    assert max(starts) <= 50
    assert prepare_dl3dv(scene, (27, 48), count=60).start == 0
    with pytest.raises(Unsuitable, match="1K-0a1b is left out: it has 60 frames, a clip takes 150"):
        prepare_dl3dv(scene)


def test_the_truth_of_a_world_is_not_cropped_silently() -> None:
    truth = Truth((), torch.zeros(1, 0, 4, 4), torch.zeros(1, 4, 4, dtype=torch.uint8))
    clip = Clip(torch.zeros(1, 3, 4, 4, dtype=torch.uint8), torch.zeros(1), truth=truth)
    with pytest.raises(ValueError, match="does not follow"):
        crop_and_resize(clip, (0, 0, 2, 2), (2, 2))
    assert crop_and_resize(replace(clip, truth=None), (0, 0, 2, 2), (2, 2)).size == (2, 2)
