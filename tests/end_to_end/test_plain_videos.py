"""Questions about plain videos, which have neither depth nor poses, by every route that needs no download."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from scenes.readers.open_clip import open_clip
from tests.support.programs.command_line import Run, assert_one_line

NEARER = "At the start, which is nearer to the camera? (A) <region0> (B) <region1>"
VIDEOS = ("coffee.mp4", "cups.mp4")
FRAMES = 4
HEIGHT, WIDTH = 720, 1280
LEFT, RIGHT = "300,300,500,600", "800,300,1000,600"


def ask(region4d: Run, source: Path, folder: Path, *words: str, frames: int = FRAMES) -> tuple[int, str, str]:
    """Ask about a region of the first frame and one of the last."""
    regions = ("--region", f"0:{LEFT}", "--region", f"1:{RIGHT}@{frames - 1}")
    picture = ("--picture", str(folder / "ask.png"), "--json")
    return region4d("ask", str(source), NEARER, *regions, "--frames", str(frames), *picture, *words)


def assert_all_frames(result: tuple[int, str, str], scale: str, frames: int = FRAMES) -> dict:
    """All frames are used, and both regions have depth on their own frame."""
    code, out, err = result
    assert code == 0, err
    said = json.loads(out)
    assert (said["frames"], said["scale"]) == (frames, scale)
    assert said["answer"] in ("A", "B")
    shown = [[entry["frame"] for entry in region["frames"]] for region in said["regions"]]
    assert shown == [[0], [frames - 1]]
    assert all(region["frames"][0]["pixels_with_depth"] > 0 for region in said["regions"])
    return said


@pytest.mark.parametrize("name", VIDEOS)
def test_a_multi_view_model_joins_all_frames(
    region4d: Run, shared_data: Path, tmp_path: Path, checkout: Path, name: str
) -> None:
    words = ("--geometry", f"mapanything:vggt@{checkout}")  # a fake of its interface
    said = assert_all_frames(ask(region4d, shared_data / "videos" / name, tmp_path, *words), "relative")
    scale, domain = said["notes"]
    assert scale == f"the depth of {said['depth']} has an unknown scale: lengths are in relative units"
    assert domain.startswith("this model was trained on procedural worlds alone")


@pytest.mark.parametrize("name", VIDEOS)
@pytest.mark.parametrize(("metric", "scale"), [(0, "relative"), (1, "metres")])
def test_a_file_of_another_program_joins_all_frames(
    region4d: Run, shared_data: Path, tmp_path: Path, name: str, metric: int, scale: str
) -> None:
    video = shared_data / "videos" / name
    assert open_clip(video, FRAMES).size == (HEIGHT, WIDTH)
    depth = np.full((FRAMES, HEIGHT, WIDTH), 3, np.float16)
    depth[:, :, WIDTH // 2 :] = 2  # the right half, where region 1 is, is nearer
    poses = np.tile(np.eye(4, dtype=np.float32), (FRAMES, 1, 1))
    np.savez(tmp_path / "geometry.npz", depth=depth, world_T_cam=poses, metric=metric)
    said = assert_all_frames(ask(region4d, video, tmp_path, "--geometry", str(tmp_path / "geometry.npz")), scale)
    assert said["answer"] == "B"
    assert [region["frames"][0]["pixels_with_depth"] for region in said["regions"]] == [200 * 300] * 2


@pytest.mark.parametrize(("name", "frames"), [("coffee.mp4", 4), ("coffee.mp4", 6), ("cups.mp4", 4)])
def test_colmap_refuses_a_camera_that_stands_still(
    region4d: Run, shared_data: Path, tmp_path: Path, name: str, frames: int
) -> None:
    pytest.importorskip("pycolmap", reason="--geometry colmap needs pycolmap")
    result = ask(region4d, shared_data / "videos" / name, tmp_path, "--geometry", "colmap", frames=frames)
    assert_one_line(
        result, "COLMAP does not register frames [0", f"of {frames}", "mapanything", "--frame I", "--no-depth"
    )
    assert not (tmp_path / "ask.png").exists()


@pytest.mark.long
def test_colmap_joins_all_frames_of_a_camera_that_moves(region4d: Run, shared_data: Path, tmp_path: Path) -> None:
    pytest.importorskip("pycolmap", reason="--geometry colmap needs pycolmap")
    boxes = ("--region", "0:330,105,603,385", "--region", "1:20,20,250,300@4")  # of 640 x 480 pixels
    picture = ("--picture", str(tmp_path / "ask.png"), "--json")
    pictures = shared_data / "redwood_rgbd" / "color"  # colour alone
    said = assert_all_frames(
        region4d("ask", str(pictures), NEARER, *boxes, "--frames", "5", *picture, "--geometry", "colmap"), "relative", 5
    )
    assert "note: the poses of colmap rely on a camera that moves through a scene at rest" in said["notes"][0]


@pytest.mark.parametrize("name", VIDEOS)
def test_odometry_needs_depth(region4d: Run, shared_data: Path, tmp_path: Path, name: str) -> None:
    result = ask(region4d, shared_data / "videos" / name, tmp_path, "--geometry", "odometry")
    assert_one_line(result, "odometry", "depth")


@pytest.mark.parametrize("name", VIDEOS)
def test_without_poses_regions_on_several_frames_need_no_depth(
    region4d: Run, shared_data: Path, tmp_path: Path, name: str
) -> None:
    video = shared_data / "videos" / name
    words = ("What colour is <region0>?", "--region", f"0:{LEFT}", "--region", f"0:{RIGHT}@3", "--no-depth")
    flags = ("--model", "sr3d_tiny_2d", "--frames", "4", "--picture", str(tmp_path / "ask.png"), "--json")
    code, out, err = region4d("ask", str(video), *words, *flags)
    assert code == 0, err
    said = json.loads(out)
    assert (said["frames"], said["scale"]) == (4, None)
    assert [entry["frame"] for entry in said["regions"][0]["frames"]] == [0, 3]
    assert torch.equal(
        torch.tensor([entry["pixels"] for entry in said["regions"][0]["frames"]]), torch.tensor([60000] * 2)
    )
