"""A wrong input is one clear line on standard error, exit code 2, and nothing written."""

import os
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from tests.support.clips.footage import cut, write_footage
from tests.support.programs.command_line import Run, assert_one_line

NEARER = "At the start, which is nearer to the camera? (A) <region0> (B) <region1>"


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "picture.png"
    Image.fromarray(np.full((64, 80, 3), 120, np.uint8)).save(path)
    return path


def write_video(path: Path) -> None:
    with av.open(str(path), "w") as file:
        stream = file.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for shade in range(0, 200, 10):
            frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), shade, np.uint8), format="rgb24")
            file.mux(stream.encode(frame))
        file.mux(stream.encode())


def test_a_missing_file_is_named(region4d: Run, tmp_path: Path) -> None:
    assert_one_line(region4d("ask", str(tmp_path / "none.mp4"), "?", "--no-depth"), "no such file", "none.mp4")


def test_a_text_file_named_mp4_is_no_video(region4d: Run, tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("not a video")
    assert_one_line(region4d("ask", str(tmp_path / "text.mp4"), "?", "--no-depth"), "text.mp4")


def test_a_video_cut_to_its_header_has_no_readable_frame(region4d: Run, tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole.mp4", tmp_path / "cut.mp4"
    write_video(whole)
    cut.write_bytes(whole.read_bytes()[:600])
    assert_one_line(region4d("ask", str(cut), "?", "--no-depth"), "cut.mp4")


def test_half_a_video_is_refused_with_the_number_of_readable_frames(region4d: Run, tmp_path: Path) -> None:
    half = cut(write_footage(tmp_path / "a.mkv", range(0, 6000, 100)), 0.6)
    assert_one_line(region4d("ask", str(half), "What is here?", "--no-depth"), "frames are readable", "--partial")


def test_an_empty_mask_is_named(region4d: Run, picture: Path, tmp_path: Path) -> None:
    Image.fromarray(np.zeros((64, 80), np.uint8)).save(tmp_path / "mask.png")
    result = region4d("ask", str(picture), "What is <region0>?", "--mask", f"0:{tmp_path / 'mask.png'}", "--no-depth")
    assert_one_line(result, "region 0", "mask.png", "empty")


def test_a_mask_of_another_size_is_refused(region4d: Run, picture: Path, tmp_path: Path) -> None:
    Image.fromarray(np.full((32, 32), 255, np.uint8)).save(tmp_path / "mask.png")
    result = region4d("ask", str(picture), "What is <region0>?", "--mask", f"0:{tmp_path / 'mask.png'}", "--no-depth")
    assert_one_line(result, "32x32", "80x64")


def test_a_box_outside_the_image_is_refused(region4d: Run, picture: Path) -> None:
    result = region4d("ask", str(picture), "What is <region0>?", "--region", "0:100,10,120,30", "--no-depth")
    assert_one_line(result, "80")


def test_a_box_in_shares_of_the_image_is_refused(region4d: Run, picture: Path) -> None:
    result = region4d("ask", str(picture), "What is <region0>?", "--region", "0:0.1,0.3,0.4,0.8", "--no-depth")
    assert_one_line(result, "--region '0:0.1,0.3,0.4,0.8'", "shares of the image", "width, 80", "height, 64")


@pytest.mark.parametrize(
    ("flag", "value", "said"),
    [
        ("--region", "0:1,1,nan,20", "not finite"),
        ("--point", "0:9,9,-3", "radius of -3"),
        ("--point", "0:9,9,nan", "radius of nan"),
    ],
)
def test_a_number_that_marks_nothing_is_refused(region4d: Run, picture: Path, flag: str, value: str, said: str) -> None:
    result = region4d("ask", str(picture), "What is <region0>?", flag, value, "--no-depth")
    assert_one_line(result, f"{flag} '{value}'", said)


def test_a_mask_of_several_objects_lists_its_labels(region4d: Run, picture: Path, tmp_path: Path) -> None:
    index = np.zeros((64, 80), np.uint8)
    index[5:25, 5:25], index[30:50, 30:70] = 1, 2
    Image.fromarray(index).save(tmp_path / "mask.png")
    result = region4d("lift", str(picture), "--mask", f"0:{tmp_path / 'mask.png'}", "-o", str(tmp_path / "lifted"))
    assert_one_line(result, "labels 1, 2", "mask.png#1")
    assert not (tmp_path / "lifted").exists()


def test_heic_without_its_extra_is_named(region4d: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scenes.readers.pictures.opening.pillow_heif", None)
    (tmp_path / "a.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    result = region4d("ask", str(tmp_path / "a.heic"), "What is here?", "--no-depth")
    assert_one_line(result, "a.heic is HEIC", 'pip install "region4d[heic]"')


def test_a_pipe_named_png_is_refused(region4d: Run, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")
    result = region4d("ask", str(tmp_path / "a.png"), "What is here?", "--no-depth")
    assert_one_line(result, "a.png is not a regular file")


def test_a_region_without_mention_is_named(region4d: Run, picture: Path) -> None:
    boxes = ("--region", "0:1,1,20,20", "--region", "1:30,30,50,50")
    assert_one_line(region4d("ask", str(picture), "What is <region0>?", *boxes, "--no-depth"), "<region1>")


def test_a_mention_without_region_is_named(region4d: Run, picture: Path) -> None:
    assert_one_line(region4d("ask", str(picture), NEARER, "--region", "0:1,1,20,20", "--no-depth"), "<region1>")


def test_a_region_on_a_frame_that_is_not_there_is_refused(region4d: Run, picture: Path) -> None:
    result = region4d("ask", str(picture), "What is <region0>?", "--region", "0:1,1,20,20@3", "--no-depth")
    assert_one_line(result, "frame 3", "1 frame")


def test_a_malformed_region_shows_the_form(region4d: Run, picture: Path) -> None:
    result = region4d("ask", str(picture), "What is <region0>?", "--region", "0:1,1,20", "--no-depth")
    assert_one_line(result, "4 numbers")


def test_depth_as_a_float_picture_is_refused(region4d: Run, tmp_path: Path) -> None:
    room = tmp_path / "room"
    (room / "color").mkdir(parents=True)
    (room / "depth").mkdir()
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(room / "color" / "0.png")
    Image.fromarray(np.full((8, 8), np.nan, np.float32)).save(room / "depth" / "0.tiff")
    assert_one_line(region4d("ask", str(room), "What is <region0>?", "--region", "0:1,1,5,5"), "depth")


def test_a_picture_without_depth_says_how_to_get_a_depth_model(region4d: Run, picture: Path) -> None:
    result = region4d("ask", str(picture), "What is <region0>?", "--region", "0:1,1,20,20", "--depth-model", "nowhere")
    assert_one_line(result, "nowhere", "hf download")


def test_a_folder_without_checkpoint_is_refused(region4d: Run, picture: Path, tmp_path: Path) -> None:
    words = ("What is <region0>?", "--region", "0:1,1,20,20", "--no-depth", "--model", str(tmp_path))
    assert_one_line(region4d("ask", str(picture), *words), "config.json")


def test_an_unknown_experiment_names_near_ones(region4d: Run) -> None:
    assert_one_line(region4d("train", "experiment=sr3d/tiny_statik"), "sr3d/tiny_static")


def test_an_unknown_key_names_near_ones(region4d: Run) -> None:
    assert_one_line(region4d("train", "module.lerning_rate=1"), "module.learning_rate")


def test_a_benchmark_without_model_says_how_to_name_one(region4d: Run) -> None:
    assert_one_line(region4d("bench"), "model=")


def test_an_arm_that_distils_needs_an_experiment_with_a_teacher(region4d: Run, tmp_path: Path) -> None:
    result = region4d("train", "experiment=sr3d/tiny_static", "arm=4d", f"output={tmp_path / 'run'}")
    assert_one_line(result, "arm '4d' requires a teacher", "experiment=rgpt4d/tiny_dynamic")
    assert not (tmp_path / "run").exists()


def test_a_wrong_value_leaves_no_folder_in_the_way_of_the_right_one(region4d: Run, tmp_path: Path) -> None:
    run = f"output={tmp_path / 'run'}"
    assert_one_line(region4d("train", "experiment=encoders/video_mae", "optimizer=sgd", run), "no 'sgd'", "adamw, muon")
    distilled = ("experiment=rgpt4d/tiny_dynamic", "arm=4d", "module.preset=mine")
    assert_one_line(region4d("train", *distilled, run), "no weight preset 'mine'", "paper, released")
    assert not (tmp_path / "run").exists()


def test_extract_without_a_model_lists_them(region4d: Run) -> None:
    assert_one_line(region4d("extract"), "extractor", "wan_1_3b")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["extractor=pixels", "layers=[7]"], ["no layer 7", "0 to 0"]),
        (["extractor=pixels", "sigma=0.5"], ["not a diffusion model", "leave sigma out"]),
        (["extractor=pixels", "sigma=1.5"], ["from 0 (clean) to 1", "1.5"]),
        (["extractor=pixels", "conditioning_sigma=0.5"], ["needs sigma"]),
        (["extractor=pixels", "layrs=[0]"], ["'layrs'", "'layers'"]),
        (["extractor=wan_1_4b"], ["wan_1_4b", "wan_1_3b"]),
        (["extractor=wan_1_3b"], ["no transformer in 'checkpoints/wan2.1-t2v-1.3b'", "hf download"]),
        (["extractor=pixels", "clips=labelled", "clips.folder=nowhere"], ["no label files in 'nowhere'"]),
    ],
)
def test_extract_refuses_before_it_writes(region4d: Run, tmp_path: Path, words: list[str], said: list[str]) -> None:
    output = tmp_path / "features"
    assert_one_line(region4d("extract", *words, f"output={output}"), *said)
    assert not output.exists()


def test_a_probe_without_features_says_how_to_extract_them(region4d: Run, tmp_path: Path) -> None:
    words = ["experiment=probe/tiny", f"data.store={tmp_path}", "model.channels=8", f"output={tmp_path / 'run'}"]
    assert_one_line(region4d("train", *words), "holds no features", "region4d extract")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["study=quik"], ["quik", "quick"]),
        (["stage=gird"], ["stage=gird", "grid or controls"]),
        (["run=nothing"], ["has no run nothing"]),
        (["report_only=true", "runs=nowhere"], ["no model of study quick", "nowhere"]),
    ],
)
def test_a_wrong_probe_study_is_one_line(region4d: Run, words: list[str], said: list[str]) -> None:
    assert_one_line(region4d("probe", *words), *said)
