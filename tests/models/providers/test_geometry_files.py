from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from models.geometry import default_intrinsics, unproject
from models.providers import GeometryFiles

TIME, HEIGHT, WIDTH = 3, 6, 8
VIDEO = torch.zeros(TIME, 3, HEIGHT, WIDTH, dtype=torch.uint8)
CAMERA = torch.tensor([[9.0, 0, 4], [0, 9, 3], [0, 0, 1]])


@pytest.fixture
def depth() -> torch.Tensor:
    depth = 1 + torch.rand(TIME, HEIGHT, WIDTH, generator=torch.Generator().manual_seed(0))
    depth[0, 0] = torch.tensor([0, -1, torch.nan, torch.inf, 1, 1, 1, 1])
    return depth


def test_one_file_of_a_clip_gives_points_with_holes(tmp_path: Path, depth: torch.Tensor) -> None:
    save_file({"depth": depth, "intrinsics": CAMERA}, tmp_path / "a.safetensors")
    estimate = GeometryFiles(tmp_path / "a.safetensors")(VIDEO)
    assert torch.equal(estimate.points.xyz, unproject(depth, CAMERA).xyz)
    assert estimate.points.valid.sum() == depth.numel() - 4
    assert estimate.intrinsics.shape == (TIME, 3, 3)


def test_one_file_a_frame_equals_one_file_a_clip(tmp_path: Path, depth: torch.Tensor) -> None:
    np.savez(tmp_path / "a.npz", depth=depth.numpy())
    folder = tmp_path / "frames"
    folder.mkdir()
    for i in range(TIME):
        np.savez(folder / f"{i:05d}.npz", depth=depth[i].numpy())
    one, many = GeometryFiles(tmp_path / "a.npz")(VIDEO), GeometryFiles(folder)(VIDEO)
    assert torch.equal(one.points.xyz, many.points.xyz)
    assert torch.equal(one.intrinsics, default_intrinsics(HEIGHT, WIDTH).expand(TIME, 3, 3))


def test_given_intrinsics_go_before_those_of_a_depth_file(tmp_path: Path, depth: torch.Tensor) -> None:
    np.savez(tmp_path / "a.npz", depth=depth.numpy(), intrinsics=CAMERA.numpy())
    given = (2 * CAMERA).expand(TIME, 3, 3)
    assert torch.equal(GeometryFiles(tmp_path / "a.npz")(VIDEO, given).intrinsics, given)


def test_a_point_map_comes_with_its_mask_and_camera(tmp_path: Path, depth: torch.Tensor) -> None:
    points = unproject(depth, CAMERA)
    sky = torch.zeros(TIME, HEIGHT, WIDTH, dtype=torch.bool)
    sky[:, :2] = True
    xyz = points.xyz.masked_fill(sky[..., None], torch.inf)  # as MoGe marks the sky
    np.savez(tmp_path / "a.npz", points=xyz.numpy(), mask=~sky.numpy(), intrinsics=CAMERA.numpy())
    estimate = GeometryFiles(tmp_path / "a.npz")(VIDEO, torch.eye(3).expand(TIME, 3, 3))
    assert torch.equal(estimate.points.valid, points.valid & ~sky)
    assert torch.equal(estimate.points.xyz[2, 3], points.xyz[2, 3])
    assert estimate.points.xyz[sky].eq(0).all()
    assert torch.equal(estimate.intrinsics[0], CAMERA)


@pytest.mark.parametrize(
    "arrays, match",
    [
        ({"depth": np.ones((2, HEIGHT, WIDTH), np.float32)}, "2 frames of 8x6 pixels, the clip 3 frames"),
        ({"disparity": np.ones((TIME, HEIGHT, WIDTH), np.float32)}, "need depth or points"),
        ({"points": np.ones((TIME, HEIGHT, WIDTH, 3), np.float32)}, "points without intrinsics"),
    ],
    ids=["frames", "arrays", "camera"],
)
def test_what_does_not_fit_is_refused(tmp_path: Path, arrays: dict[str, np.ndarray], match: str) -> None:
    np.savez(tmp_path / "a.npz", **arrays)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=match):
        GeometryFiles(tmp_path / "a.npz")(VIDEO)


def test_poses_confidence_and_an_unknown_scale_come_along(tmp_path: Path, depth: torch.Tensor) -> None:
    poses = torch.eye(4).repeat(TIME, 1, 1)
    poses[:, 0, 3] = torch.arange(TIME)
    arrays = {"depth": depth, "world_T_cam": poses, "confidence": depth.nan_to_num(0), "metric": torch.tensor(0)}
    save_file(arrays, tmp_path / "a.safetensors")
    estimate = GeometryFiles(tmp_path / "a.safetensors")(VIDEO)
    assert not estimate.metric
    assert torch.equal(estimate.world_T_cam, poses)
    assert torch.equal(estimate.confidence, arrays["confidence"])
    np.savez(tmp_path / "b.npz", depth=depth.numpy())
    assert GeometryFiles(tmp_path / "b.npz")(VIDEO).metric


@pytest.mark.parametrize(
    "name, array, match",
    [
        ("world_T_cam", np.eye(3), "world_T_cam of shape"),
        ("intrinsics", np.full((3, 3), np.nan), "intrinsics with NaN"),
        ("confidence", np.ones((2, HEIGHT, WIDTH)), "confidence of shape"),
    ],
)
def test_a_malformed_array_is_named(
    tmp_path: Path, depth: torch.Tensor, name: str, array: np.ndarray, match: str
) -> None:
    np.savez(tmp_path / "a.npz", depth=depth.numpy(), **{name: array})
    with pytest.raises(ValueError, match=match):
        GeometryFiles(tmp_path / "a.npz")(VIDEO)


def test_a_file_without_arrays_is_named(tmp_path: Path) -> None:
    for name in ("a.npz", "a.safetensors"):
        (tmp_path / name).write_text("hello")
        with pytest.raises(ValueError, match=f"{name} cannot be read"):
            GeometryFiles(tmp_path / name)(VIDEO)


def test_a_missing_cache_is_named(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.npz"):
        with pytest.raises(FileNotFoundError, match="no geometry at"):
            GeometryFiles(path)
