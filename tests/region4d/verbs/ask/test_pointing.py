"""Clicks and texts become regions; what was used can be saved and read back; what is not seen is said."""

from __future__ import annotations

import json
from pathlib import Path
from shutil import copytree

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from models.segmenters import Click, Prompt, open_segmenter
from scenes.clip import Clip
from scenes.readers.masks.mask_folder import read_mask_folder
from scenes.readers.open_clip import open_clip
from scenes.readers.rgbd import write_rgbd_folder
from tests.support.clips.footage import HEIGHT, WIDTH, write_footage
from tests.support.folders.segmenter_checkpoints import write_sam2, write_sam3
from tests.support.programs.command_line import Run, assert_one_line

COLOUR = "What colour is <region0>?"


@pytest.fixture(scope="module")
def sam(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sam")
    write_sam2(folder / "tracker")
    write_sam2(folder / "pictures", video=False)
    write_sam3(folder / "concepts")
    return folder


@pytest.fixture
def video(tmp_path: Path) -> Path:
    return write_footage(tmp_path / "a.mp4", range(0, 900, 100))


def ask(region4d: Run, source: Path, folder: Path, *words: str) -> tuple[int, str, str]:
    return region4d(
        "ask", str(source), COLOUR, "--model", "sr3d_tiny_2d", "--picture", str(folder / "ask.png"), "--json", *words
    )


@pytest.mark.long
def test_a_click_is_tracked_saved_and_read_back(region4d: Run, sam: Path, video: Path, tmp_path: Path) -> None:
    words = (
        "--no-depth",
        "--frames",
        "3",
        "--segmenter",
        str(sam / "tracker"),
        "--save-masks",
        str(tmp_path / "masks"),
    )
    clicks = ("--click", "0:30,20@1", "--click", "0:not:80,50@1")
    code, out, err = ask(region4d, video, tmp_path, *clicks, *words)
    assert code == 0, err
    clip = open_clip(video, 3)
    prompt = Prompt((Click(1, 30.0, 20.0), Click(1, 80.0, 50.0, inside=False)))
    (expected,) = open_segmenter(sam / "tracker", "click")(clip.video, [prompt])
    (fact,) = json.loads(out)["regions"]
    assert fact["marked_by"] == ["--click"]
    assert [(entry["frame"], entry["pixels"]) for entry in fact["frames"]] == [
        (frame, int(mask.sum())) for frame, mask in expected.masks.items()
    ]
    names = clip.frame_names or [f"{frame:05d}" for frame in range(3)]
    read = read_mask_folder(tmp_path / "masks" / "region0", names, HEIGHT, WIDTH)
    assert read.keys() == expected.masks.keys()
    assert all(torch.equal(read[frame], mask) for frame, mask in expected.masks.items())
    again = ask(region4d, video, tmp_path, "--no-depth", "--frames", "3", "--mask", f"0:{tmp_path / 'masks/region0'}")
    assert again[0] == 0, again[2]
    assert json.loads(again[1])["regions"][0]["frames"] == fact["frames"]
    assert_one_line(ask(region4d, video, tmp_path, *clicks, *words), "masks exists")


def test_a_click_counts_pixels_of_the_file_where_frames_are_read_smaller(
    region4d: Run, sam: Path, video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("region4d.footage.marked_clip.MAX_PIXELS", 3 * (HEIGHT // 2) * (WIDTH // 2))
    flags = ("--no-depth", "--frames", "3", "--segmenter", str(sam / "tracker"))
    click, masks = ("--click", f"0:{WIDTH - 20},40@1"), tmp_path / "masks"
    code, out, err = ask(region4d, video, tmp_path, *flags, *click, "--save-masks", str(masks))
    assert code == 0, err
    assert f"frames of {WIDTH}x{HEIGHT} were read at {WIDTH // 2}x{HEIGHT // 2}" in err
    small = open_clip(video, 3, max_pixels=3 * (HEIGHT // 2) * (WIDTH // 2))
    assert small.size == (HEIGHT // 2, WIDTH // 2)
    prompt = Prompt((Click(1, (WIDTH - 20) / 2, 20.0),))
    (expected,) = open_segmenter(sam / "tracker", "click")(small.video, [prompt])
    (fact,) = json.loads(out)["regions"]
    assert [(entry["frame"], entry["pixels"]) for entry in fact["frames"]] == [
        (frame, int(mask.sum())) for frame, mask in expected.masks.items()
    ]
    for frame, mask in expected.masks.items():
        saved = np.asarray(Image.open(masks / "region0" / f"{small.frame_names[frame]}.png")) > 0
        assert np.array_equal(saved, mask.numpy().repeat(2, 0).repeat(2, 1))
    again = ask(region4d, video, tmp_path, "--no-depth", "--frames", "3", "--mask", f"0:{masks / 'region0'}")
    assert again[0] == 0, again[2]
    assert json.loads(again[1])["regions"][0]["frames"] == fact["frames"]


def test_a_model_of_pictures_is_followed_by_colour_which_is_said(
    region4d: Run, sam: Path, video: Path, tmp_path: Path
) -> None:
    words = ("--click", "30,20", "--no-depth", "--segmenter", str(sam / "pictures"))
    code, out, err = ask(region4d, video, tmp_path, *words)
    assert code == 0, err
    assert "followed to the others by colour (label propagation)" in err
    assert json.loads(out)["notes"][0] in err


def test_a_text_becomes_a_region(region4d: Run, sam: Path, video: Path, tmp_path: Path) -> None:
    words = ("--text", "0:the red chair", "--no-depth", "--frames", "2", "--segmenter", str(sam / "concepts"))
    code, out, err = ask(region4d, video, tmp_path, *words)
    assert code == 0, err
    assert json.loads(out)["regions"][0]["marked_by"] == ["--text"]


def test_a_click_is_lifted(region4d: Run, sam: Path, video: Path, tmp_path: Path, untrained: Path) -> None:
    words = ("--click", "0:30,20", "--segmenter", str(sam / "tracker"), "--model", str(untrained), "--steps", "2")
    folders = ("-o", str(tmp_path / "out"), "--save-masks", str(tmp_path / "masks"))
    code, _, err = region4d("lift", str(video), "--frame", "5", *words, *folders)
    assert code == 0, err
    used, saved = (
        np.asarray(Image.open(path)) for path in (tmp_path / "out/mask_0.png", *(tmp_path / "masks/region0").iterdir())
    )
    assert np.array_equal(used, saved)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--click", "0:30,20"], ["--click '0:30,20' needs a segmenter", "--segmenter FOLDER", "--point"]),
        (["--text", "0:a chair"], ["--text '0:a chair' needs a segmenter"]),
        (["--region", "0:1,1,9,9", "--segmenter", "SAM/tracker"], ["--segmenter has no effect"]),
        (["--click", "0:0.4,0.6", "--segmenter", "SAM/tracker"], ["--click '0:0.4,0.6'", "shares of the image"]),
        (["--click", "0:200,20", "--segmenter", "SAM/tracker"], ["lies outside the image of 96 x 64"]),
        (["--click", "0:nan,20", "--segmenter", "SAM/tracker"], ["--click '0:nan,20'"]),
        (["--click", "0:30", "--segmenter", "SAM/tracker"], ["needs 2 numbers"]),
        (["--click", "0:30,20@9", "--segmenter", "SAM/tracker"], ["names frame 9, but 4 frames are used"]),
        (["--click", "0:not:30,20", "--segmenter", "SAM/tracker"], ["no click on the object", "--click 0:x,y"]),
        (["--click", "0:30,20", "--text", "0:a", "--segmenter", "SAM/tracker"], ["--click and --text", "one way"]),
        (["--text", "0:a chair", "--segmenter", "SAM/tracker"], ["takes clicks only"]),
        (["--click", "0:30,20", "--segmenter", "nowhere"], ["no segmenter 'nowhere'", "hf download"]),
    ],
)
def test_a_wrong_prompt_is_one_line(
    region4d: Run, sam: Path, video: Path, tmp_path: Path, words: list[str], said: list[str]
) -> None:
    given = [word.replace("SAM", str(sam)) for word in words]
    assert_one_line(ask(region4d, video, tmp_path, "--no-depth", *given), *said)


@pytest.mark.parametrize(("name", "flag"), [("tracker", ("--click", "0:30,20")), ("concepts", ("--text", "0:a chair"))])
def test_a_segmenter_that_lacks_weights_is_one_line(
    region4d: Run, sam: Path, video: Path, tmp_path: Path, name: str, flag: tuple[str, str]
) -> None:
    folder = copytree(sam / name, tmp_path / name)
    weights = load_file(folder / "model.safetensors")
    lost = next(key for key in sorted(weights) if "mask_decoder" in key)
    del weights[lost]
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    result = ask(region4d, video, tmp_path, "--no-depth", *flag, "--segmenter", str(folder))
    assert_one_line(result, f"{name}' lacks 1 weights", "get the whole checkpoint")


def test_nothing_found_is_one_line(
    region4d: Run, sam: Path, video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.segmenters.clicks.marked", lambda masks: {})
    words = ("--no-depth", "--click", "0:30,20", "--segmenter", str(sam / "tracker"))
    assert_one_line(ask(region4d, video, tmp_path, *words), "finds nothing at --click '0:30,20'", "4 frames")


def room(folder: Path, holes: list[int]) -> Path:
    depth = torch.full((3, 24, 32), 2.0)
    depth[holes, 2:10, 2:10] = 0
    camera = torch.tensor([[50.0, 0, 16], [0, 50, 12], [0, 0, 1]])
    noise = torch.randint(0, 256, (3, 3, 24, 32), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    poses = torch.eye(4).expand(3, 4, 4)
    write_rgbd_folder(Clip(noise, torch.arange(3.0), depth, camera.expand(3, 3, 3), poses), folder / "room")
    return folder / "room"


def test_a_region_without_depth_on_some_frames_is_said_and_on_all_refused(region4d: Run, tmp_path: Path) -> None:
    boxes = [word for frame in (0, 2) for word in ("--region", f"0:3,3,8,8@{frame}")]
    question = "How far is <region0> from the camera at the start?"
    (tmp_path / "some").mkdir()
    (tmp_path / "all").mkdir()
    words = (*boxes, "--picture", str(tmp_path / "ask.png"), "--json")
    code, out, err = region4d("ask", str(room(tmp_path / "some", [2])), question, *words)
    assert code == 0, err
    assert "note: region 0 has no depth on frames 2; its place comes from frames 0" in err
    assert "note: region 0 is not marked on frames 1 of 3" in err
    (fact,) = json.loads(out)["regions"]
    assert [entry["pixels_with_depth"] for entry in fact["frames"]] == [25, 0]
    result = region4d("ask", str(room(tmp_path / "all", [0, 1, 2])), question, *words)
    assert_one_line(result, "region 0 (--region) has no depth at any of its 50 pixels", "--no-depth")
