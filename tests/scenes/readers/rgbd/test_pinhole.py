"""Pinhole files of Open3D, whose pixels are counted from the centre of the first one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from scenes.readers.rgbd.pinhole import read_pinhole, write_pinhole

CAMERA = torch.tensor([[525.5, 0, 320.25], [0, 510.5, 240.75], [0, 0, 1]])
SIZE = (480, 640)


def test_a_camera_comes_back_as_it_was_written(tmp_path: Path) -> None:
    write_pinhole(tmp_path / "camera.json", CAMERA, SIZE)
    assert torch.equal(read_pinhole(tmp_path / "camera.json", SIZE), CAMERA)


def test_a_file_lists_columns_and_its_centre_is_half_a_pixel_less(tmp_path: Path) -> None:
    write_pinhole(tmp_path / "camera.json", CAMERA, SIZE)
    held = json.loads((tmp_path / "camera.json").read_text())
    assert held == {"width": 640, "height": 480, "intrinsic_matrix": [525.5, 0, 0, 0, 510.5, 0, 319.75, 240.25, 1]}


def test_a_camera_of_another_size_is_refused(tmp_path: Path) -> None:
    write_pinhole(tmp_path / "camera.json", CAMERA, SIZE)
    with pytest.raises(ValueError, match=r"camera\.json is for 640x480 pixels, but the frames are 640x360"):
        read_pinhole(tmp_path / "camera.json", (360, 640))


@pytest.mark.parametrize(
    "text",
    [
        '{"width": 640, "height": 480}',
        '{"width": 640, "height": 480, "intrinsic_matrix": [1, 2, 3]}',
        '{"width": 640, "height": 480, "intrinsic_matrix": "525"}',
        '{"width": 640, "intrinsic_matrix": [1, 0, 0, 0, 1, 0, 0, 0, 1]}',
    ],
)
def test_a_file_without_a_camera_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "camera.json").write_text(text)
    with pytest.raises(ValueError, match=r"camera\.json is not an Open3D pinhole file"):
        read_pinhole(tmp_path / "camera.json", SIZE)


@pytest.mark.parametrize(("text", "said"), [("", "is cut or not JSON"), ("[]", "holds a list, expected a JSON object")])
def test_a_file_that_is_no_object_of_json_is_named(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "camera.json").write_text(text)
    with pytest.raises(ValueError, match=rf"camera\.json {said}"):
        read_pinhole(tmp_path / "camera.json", SIZE)
