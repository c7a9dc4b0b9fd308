"""`region4d ask` with a SpatialRGPT folder: regions of a picture with its depth, and what it cannot use."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from tests.support.clips.footage import write_footage
from tests.support.folders.depth_checkpoints import write_depth_model
from tests.support.folders.vila15_folder import write_vila15
from tests.support.programs.command_line import Run, assert_one_line

QUESTION = ("--region", "10,10,60,50", "--region", "50,5,90,60", "Is <region0> behind <region1>?")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    folder = write_vila15(tmp_path_factory.mktemp("spatialrgpt"), regions=True)
    return "--model", str(folder), "--max-new-tokens", "4", "--json"


def test_a_picture_is_asked_with_masks_and_depth(
    region4d: Run, model: tuple[str, ...], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    Image.radial_gradient("L").resize((96, 64)).convert("RGB").save(tmp_path / "a.png")
    depth = write_depth_model("depth_anything-relative", tmp_path / "depth")
    words = ("--depth-model", str(depth), *model, "--picture", str(tmp_path / "ask.png"))
    code, out, err = region4d("ask", str(tmp_path / "a.png"), *QUESTION, *words)
    assert code == 0, err
    assert isinstance(json.loads(out)["answer"], str)
    assert "SpatialRGPT sees one picture, 2D masks and a picture of relative depth: metric depth, poses" in caplog.text
    assert "relative units" not in err  # lengths are the model's own guess
    assert (tmp_path / "ask.png").is_file()


def test_regions_of_several_frames_are_one_line(
    region4d: Run, model: tuple[str, ...], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    video = write_footage(tmp_path / "a.mp4", range(0, 900, 100))
    words = (*QUESTION, *model, "--no-depth", "--picture", str(tmp_path / "ask.png"))
    assert_one_line(region4d("ask", str(video), *words), "regions of one picture", "--frame")
    assert not caplog.text
    code, _, err = region4d("ask", str(video), *words, "--frame", "2")
    assert code == 0, err
