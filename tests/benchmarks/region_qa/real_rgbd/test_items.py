from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.region_qa.real_rgbd.items import lower_is_nearer, noise_video, real_rgbd_items
from benchmarks.region_qa.tasks.task import Item
from scenes.clip import Clip
from scenes.questions import CATEGORIES, LETTERS
from scenes.readers.rgbd import read_rgbd_folder, write_rgbd_folder

CAMERA = torch.tensor([[100.0, 0, 80], [0, 100, 60], [0, 0, 1]])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A room of three vertical panels, 1, 2 and 3 m away, seen twice by a camera that steps 0.2 m to the right."""
    depth = torch.ones(2, 120, 160)
    depth[:, :, 50:100], depth[:, :, 100:] = 2, 3
    depth[:, :10] = 0
    world_T_cam = torch.tensor([[1.0, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 1.5], [0, 0, 0, 1]]).repeat(2, 1, 1)
    world_T_cam[1, 0, 3] = 0.2
    video = torch.randint(0, 256, (2, 3, 120, 160), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    clip = Clip(video, torch.tensor([0, 0.1]), depth, CAMERA.expand(2, 3, 3), world_T_cam)
    path = tmp_path_factory.mktemp("rgbd") / "panels"
    write_rgbd_folder(clip, path)
    return path


def seen(item: Item) -> list[np.ndarray]:
    """Unproject the valid pixels of each region by hand, to the world: the median point."""
    opened, medians = item.open(), []
    clip = opened.clip
    assert clip.depth is not None
    assert clip.intrinsics is not None
    assert clip.world_T_cam is not None
    for region in opened.regions:
        ((frame, mask),) = region.masks.items()
        v, u = np.nonzero((mask & (clip.depth[frame] > 0)).numpy())
        z = clip.depth[frame].numpy()[v, u]
        k, pose = clip.intrinsics[frame].numpy(), clip.world_T_cam[frame].numpy()
        cam = np.stack([(u + 0.5 - k[0, 2]) / k[0, 0] * z, (v + 0.5 - k[1, 2]) / k[1, 1] * z, z], -1)
        medians.append(np.median(cam @ pose[:3, :3].T + pose[:3, 3], axis=0))
    return medians


@pytest.mark.parametrize("multi_view", [False, True])
def test_answers_follow_from_the_sensor(folder: Path, multi_view: bool) -> None:
    items = real_rgbd_items(folder, count=20, multi_view=multi_view)
    assert len(items) == 80
    for item in items:
        points, question = seen(item), item.question
        poses = item.open().clip.world_T_cam
        assert poses is not None
        start = poses[0].numpy()
        match question.category:
            case "nearer_camera":
                values = [(p - start[:3, 3]) @ start[:3, 2] for p in points]
            case "nearer_region":
                values = [float(np.linalg.norm(p - points[0])) for p in points[1:]]
            case "higher":
                values = [-p[2] for p in points]
            case _:
                assert question.value == pytest.approx(np.linalg.norm(points[0] - points[1]), abs=1e-4)
                continue
        assert question.answer == LETTERS[int(np.argmin(values))]
        assert abs(values[0] - values[1]) > 0.099  # 10 cm, less the rounding of a median between two pixels


def test_questions_are_worded_as_in_worlds(folder: Path) -> None:
    for item in real_rgbd_items(folder, count=10):
        question = item.question
        stem = question.text.split(" (A) ")[0]
        assert stem in CATEGORIES[question.category].stems
        mentioned = [k for k in range(len(item.marks)) if f"<region{k}>" in question.text]
        assert mentioned == list(range(len(item.marks)))


def test_the_same_seed_gives_the_same_items_and_another_does_not(folder: Path) -> None:
    one, same, other = (
        [
            (i.question, [m for r in i.open().regions for m in r.masks.values()])
            for i in real_rgbd_items(folder, 10, seed)
        ]
        for seed in (0, 0, 1)
    )
    for (question, masks), (again, masks_again) in zip(one, same, strict=True):
        assert question == again
        assert all(torch.equal(a, b) for a, b in zip(masks, masks_again, strict=True))
    assert [q for q, _ in one] != [q for q, _ in other]


def test_single_view_items_show_one_frame_and_multi_view_items_all(folder: Path) -> None:
    single, multi = real_rgbd_items(folder, 5), real_rgbd_items(folder, 5, multi_view=True)
    assert {len(item.open().clip) for item in single} == {1}
    assert {len(item.open().clip) for item in multi} == {2}
    assert len({frame for item in multi for region in item.open().regions for frame in region.masks}) == 2


def test_noise_replaces_the_colours_and_nothing_else(folder: Path) -> None:
    clip = read_rgbd_folder(folder)
    noise = noise_video(clip, seed=3)
    assert noise.video.shape == clip.video.shape
    assert noise.video.float().mean() == pytest.approx(127.5, abs=2)
    assert torch.equal(noise.video, noise_video(clip, seed=3).video)
    assert not torch.equal(noise.video, clip.video)
    assert noise.depth is clip.depth
    assert noise.world_T_cam is clip.world_T_cam


def test_an_unknown_category_is_named(folder: Path) -> None:
    with pytest.raises(ValueError, match=r"colour.*choose among nearer_camera"):
        real_rgbd_items(folder, 1, categories=("colour",))


def test_a_folder_with_flat_depth_has_nothing_to_compare(tmp_path: Path, folder: Path) -> None:
    clip = read_rgbd_folder(folder)
    assert clip.depth is not None
    clip.depth.fill_(1.0)
    write_rgbd_folder(clip, tmp_path / "wall")
    with pytest.raises(ValueError, match="yields 0 of 1 nearer_camera questions"):
        real_rgbd_items(tmp_path / "wall", 1, categories=("nearer_camera",))


@pytest.mark.long
def test_redwood_gives_300_different_nearer_pairs(shared_data: Path) -> None:
    items = real_rgbd_items(shared_data / "redwood_rgbd", 300, categories=("nearer_camera",))
    pairs = {
        tuple((i.cluster, *m.nonzero().aminmax(dim=0)[0].tolist()) for r in i.open().regions for m in r.masks.values())
        for i in items
    }
    assert len(pairs) == 300
    letters = [item.question.answer for item in items]
    assert 0.4 < letters.count("A") / len(letters) < 0.6
    heuristic = sum(lower_is_nearer(item) == item.question.answer for item in items) / len(items)
    assert 0.55 < heuristic < 0.9  # better than chance, and no replacement for geometry
