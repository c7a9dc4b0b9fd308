"""Flags, then the footage itself, say where depth and the camera come from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from models.geometry import default_intrinsics
from region4d.footage.geometry import ASSUMED_FOV_DEG, GeometrySource, locate
from scenes.clip import Clip
from scenes.readers.rgbd.pinhole import write_pinhole

SIZE = (6, 8)
CAMERA = torch.tensor([[9.0, 0, 4], [0, 9, 3], [0, 0, 1]])
PLAIN = Clip(torch.zeros(1, 3, *SIZE, dtype=torch.uint8), torch.zeros(1))
RGBD = replace(PLAIN, depth=torch.full((1, *SIZE), 2.0), intrinsics=CAMERA[None])


def write_depth(folder: Path, depth: np.ndarray) -> Path:
    np.save(folder / "depth.npy", depth.astype(np.float32))
    return folder / "depth.npy"


def test_a_camera_is_four_numbers_a_file_or_a_field_of_view(tmp_path: Path) -> None:
    assert torch.equal(GeometrySource(intrinsics="9,9,4,3").camera(SIZE), CAMERA)
    write_pinhole(tmp_path / "camera.json", CAMERA, SIZE)
    assert torch.equal(GeometrySource(intrinsics=str(tmp_path / "camera.json")).camera(SIZE), CAMERA)
    focal = GeometrySource(fov_deg=90).camera(SIZE)[0, 0]
    assert float(focal) == pytest.approx(SIZE[1] / 2)  # tan 45 degrees is 1


@pytest.mark.parametrize(
    ("flags", "error", "said"),
    [
        ({}, ValueError, "the camera is not given; use --intrinsics or --fov"),
        ({"intrinsics": "9,9,4"}, ValueError, "--intrinsics '9,9,4' needs 4 numbers"),
        ({"intrinsics": "9,0,4,3"}, ValueError, "focal lengths must be positive"),
        ({"intrinsics": "nowhere.json"}, FileNotFoundError, "no pinhole file 'nowhere.json'"),
    ],
)
def test_a_camera_that_cannot_be_used_is_refused(flags: dict, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        GeometrySource(**flags).camera(SIZE)


def test_footage_keeps_what_it_brings() -> None:
    found = locate(RGBD, GeometrySource())
    assert (found.clip, found.depth, found.camera) == (RGBD, "RGB-D folder", "footage")


def test_footage_without_geometry_stays_without_and_its_camera_is_assumed() -> None:
    found = locate(PLAIN, GeometrySource())
    assert (found.clip, found.depth, found.camera) == (PLAIN, None, "assumed")


def test_a_camera_of_a_flag_replaces_that_of_the_footage_in_every_frame() -> None:
    found = locate(RGBD.frames([0, 0]), GeometrySource(intrinsics="5,5,4,3"))
    assert found.camera == "flag"
    assert found.clip.intrinsics is not None
    assert found.clip.intrinsics[:, 0, 0].tolist() == [5, 5]


def test_depth_of_a_file_replaces_the_footages_and_unknown_pixels_are_zero(tmp_path: Path) -> None:
    depth = np.full(SIZE, 3.0)
    depth[0, :4] = 0, -1, np.nan, np.inf
    path = write_depth(tmp_path, depth)
    found = locate(RGBD, GeometrySource(depth=path))
    assert found.depth == str(path)
    assert found.clip.depth is not None
    assert found.clip.depth[0, 0].tolist() == [0, 0, 0, 0, 3, 3, 3, 3]


def test_depth_without_a_camera_assumes_sixty_degrees(tmp_path: Path) -> None:
    found = locate(PLAIN, GeometrySource(depth=write_depth(tmp_path, np.full(SIZE, 3.0))))
    assert found.camera == "assumed"
    assert found.clip.intrinsics is not None
    assert torch.equal(found.clip.intrinsics[0], default_intrinsics(*SIZE, ASSUMED_FOV_DEG))


def test_depth_that_is_not_wanted_is_left_out() -> None:
    found = locate(RGBD, GeometrySource(no_depth=True))
    assert found.clip.depth is None
    assert found.depth is None
    assert found.clip.intrinsics is RGBD.intrinsics


def test_depth_of_one_frame_does_not_fit_a_video(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is of one frame, but 2 frames are used; name it with --frame I"):
        locate(PLAIN.frames([0, 0]), GeometrySource(depth=write_depth(tmp_path, np.ones(SIZE))))


def test_depth_of_another_size_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is 6x8, expected 8x6"):
        locate(PLAIN, GeometrySource(depth=write_depth(tmp_path, np.ones(SIZE[::-1]))))


@pytest.mark.parametrize("value", [0, -2, np.nan, np.inf])
def test_depth_that_is_unknown_everywhere_is_refused(tmp_path: Path, value: float) -> None:
    with pytest.raises(ValueError, match="is unknown at every pixel"):
        locate(PLAIN, GeometrySource(depth=write_depth(tmp_path, np.full(SIZE, value))))
