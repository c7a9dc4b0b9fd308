"""Pictures of Aria recordings: turned upright with their camera, and refused without projectaria_tools."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from models.geometry import project, transform_points, unproject
from scenes.datasets.aria.recording import FILES, AriaRecording, upright


def test_a_turned_picture_shows_the_same_points() -> None:
    generator = np.random.default_rng(0)
    height, width, (fx, fy, cx, cy) = 30, 40, (50.0, 60.0, 18.0, 13.0)
    depth = generator.uniform(1, 3, (height, width)).astype(np.float32)
    image = generator.integers(0, 255, (height, width, 3), dtype=np.uint8)
    device_T_cam = torch.eye(4).double()
    device_T_cam[:3, 3] = torch.tensor([0.1, 0.2, 0.3])
    pinhole = torch.tensor([fx, fy, cx, cy])
    picture = upright(image, depth, np.arange(height * width).reshape(height, width), pinhole, device_T_cam)
    assert picture.image.shape == (3, width, height)
    points = unproject(picture.depth, picture.intrinsics).xyz
    in_device = transform_points(points.double().reshape(-1, 3), picture.device_T_cam)
    row, col = np.divmod(picture.instances.flatten().numpy(), width)  # where each pixel was before
    z = depth[row, col]
    before = np.stack([(col - cx) / fx * z, (row - cy) / fy * z, z], -1)  # projectaria_tools: 0 is a pixel's centre
    np.testing.assert_allclose(in_device - device_T_cam[:3, 3], before, atol=1e-5)
    assert (picture.image.flatten(1).T.numpy() == image[row, col]).all()


def test_what_is_to_the_right_on_the_sensor_is_below_in_the_picture() -> None:
    image, depth, uids = np.zeros((4, 6, 3), np.uint8), np.ones((4, 6), np.float32), np.zeros((4, 6), np.int64)
    uids[:, -1] = 7
    picture = upright(image, depth, uids, torch.tensor([5.0, 5.0, 2.5, 1.5]), torch.eye(4).double())
    assert bool((picture.instances[-1] == 7).all())
    ahead = project(torch.tensor([[0.0, 0.0, 1.0]]), picture.intrinsics)
    torch.testing.assert_close(ahead.reshape(-1)[:2], torch.tensor([2.0, 3.0]))  # the middle


def test_without_projectaria_tools_its_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "projectaria_tools", None)
    monkeypatch.setitem(sys.modules, "projectaria_tools.core", None)
    with pytest.raises(ImportError, match=r"pip install 'region4d\[aria\]'"):
        AriaRecording(tmp_path)


@pytest.fixture
def core(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A stand-in of projectaria_tools, which opens nothing, and the files of a sequence."""
    adt = SimpleNamespace(AriaDigitalTwinDataPathsProvider=None, AriaDigitalTwinDataProvider=lambda paths: paths)
    stream_id = SimpleNamespace(StreamId=str)
    parts = {"core": SimpleNamespace(calibration=None, stream_id=stream_id), "projects": SimpleNamespace(adt=adt)}
    monkeypatch.setitem(sys.modules, "projectaria_tools", SimpleNamespace(**parts))
    for name, part in parts.items():
        monkeypatch.setitem(sys.modules, f"projectaria_tools.{name}", part)
    for name in FILES:
        (tmp_path / name).touch()
    return adt


def test_a_sequence_that_cannot_be_opened_is_one_line(tmp_path: Path, core: SimpleNamespace) -> None:
    def refuse(folder: str) -> None:
        raise RuntimeError("Could not open\n  gt metadata")

    core.AriaDigitalTwinDataPathsProvider = refuse
    with pytest.raises(
        ValueError, match=r"cannot be read .*\(Could not open gt metadata\): download .* again"
    ) as error:
        AriaRecording(tmp_path)
    assert str(tmp_path) in str(error.value)
    core.AriaDigitalTwinDataPathsProvider = lambda folder: SimpleNamespace(get_datapaths=lambda: None)
    with pytest.raises(ValueError, match=r"no paths of its files; is metadata\.json there\?"):
        AriaRecording(tmp_path)


def test_a_damaged_recording_is_one_line(tmp_path: Path, core: SimpleNamespace) -> None:
    def cut(time_ns: int, stream: str) -> None:
        raise RuntimeError("truncated")

    fisheye = SimpleNamespace(
        get_focal_lengths=lambda: [1.0], get_image_size=lambda: [1], get_transform_device_camera=lambda: None
    )
    known = dict.fromkeys(f"get_{name}_by_timestamp_ns" for name in ("depth_image", "segmentation_image"))
    paths = SimpleNamespace(
        get_aria_image_by_timestamp_ns=cut, get_aria_camera_calibration=lambda stream: fisheye, **known
    )
    core.AriaDigitalTwinDataPathsProvider = lambda folder: SimpleNamespace(get_datapaths=lambda: paths)
    recording = AriaRecording(tmp_path)
    recording.calibration = SimpleNamespace(get_linear_camera_calibration=lambda *_: None)
    with pytest.raises(ValueError, match=r"the picture of .* cannot be read by projectaria_tools \(truncated\)"):
        recording.picture(0)
