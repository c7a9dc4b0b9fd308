"""Poses and sparse points of plain frames: of real footage, and of a textured wall whose truth is known."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from benchmarks.geometry.trajectory import pose_errors
from models.geometry import default_intrinsics, unproject
from models.providers import Colmap, GeometryEstimate
from scenes.readers.rgbd import read_rgbd_folder

pytest.importorskip("pycolmap", reason="--geometry colmap needs pycolmap")
HEIGHT, WIDTH, FRAMES = 120, 160, 5
CAMERA = default_intrinsics(HEIGHT, WIDTH)


@pytest.fixture(scope="module")
def corridor() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Frames, depth and poses of a camera that moves sideways past two textured walls, 2 and 3 metres away."""
    generator = torch.Generator().manual_seed(0)
    texture = F.interpolate(torch.rand(1, 3, 60, 160, generator=generator), (480, 1280), mode="bicubic").clamp(0, 1)[0]
    depth = torch.full((FRAMES, HEIGHT, WIDTH), 3.0)
    depth[:, HEIGHT // 2 :] = 2.0
    poses = torch.eye(4).repeat(FRAMES, 1, 1)
    poses[:, 0, 3] = 0.15 * torch.arange(FRAMES)
    xyz = unproject(depth, CAMERA).xyz + poses[:, None, None, :3, 3]
    u, v = (xyz[..., 0] * 160 + 300).round().long(), (xyz[..., 1] * 160 + 240).round().long()
    video = (255 * texture[:, v.clamp(0, 479), u.clamp(0, 1279)]).to(torch.uint8).transpose(0, 1).contiguous()
    return video, depth, poses


class Model:
    """Estimates depth that is off by a factor in each frame; a relative one also shifts inverse depth."""

    joins_frames = False

    def __init__(self, depth: torch.Tensor, metric: bool) -> None:
        self.depth, self.metric = depth, metric

    def __call__(
        self, video: torch.Tensor, intrinsics: torch.Tensor | None = None, depth: torch.Tensor | None = None
    ) -> GeometryEstimate:
        factors = torch.linspace(0.8, 1.2, len(video))[:, None, None]
        wrong = self.depth * factors if self.metric else 1 / (0.5 / self.depth * factors + 0.1)
        return GeometryEstimate(unproject(wrong, CAMERA), CAMERA.expand(len(video), 3, 3), self.metric)


def test_depth_of_the_footage_gives_the_poses_their_scale(corridor: tuple) -> None:
    video, depth, poses = corridor
    estimate = Colmap()(video, CAMERA.expand(FRAMES, 3, 3), depth)
    assert estimate.metric
    assert torch.equal(estimate.points.xyz[..., 2], depth)
    rotation, translation = pose_errors(estimate.world_T_cam, poses)
    assert rotation < 1
    assert translation < 0.03


def test_without_depth_points_are_sparse_and_of_unknown_scale(corridor: tuple) -> None:
    video, depth, _ = corridor
    estimate = Colmap()(video, CAMERA.expand(FRAMES, 3, 3))
    assert not estimate.metric
    valid = estimate.points.valid
    assert 20 < valid[0].sum() < HEIGHT * WIDTH / 4
    ratio = depth[valid] / estimate.points.xyz[..., 2][valid]
    assert (ratio / ratio.median() - 1).abs().median() < 0.03


@pytest.mark.parametrize("metric", [True, False])
def test_a_depth_model_is_aligned_with_the_sparse_points(corridor: tuple, metric: bool) -> None:
    video, depth, poses = corridor
    estimate = Colmap(Model(depth, metric))(video, CAMERA.expand(FRAMES, 3, 3))
    assert estimate.metric == metric
    ratio = estimate.points.xyz[..., 2] / depth
    scale = ratio.median()
    assert (ratio / scale - 1).abs().median() < 0.03  # over all frames: one scale
    estimate.world_T_cam[:, :3, 3] /= scale
    assert pose_errors(estimate.world_T_cam, poses)[1] < 0.05
    if metric:
        assert scale == pytest.approx(1, abs=0.05)  # the median over frames


def test_real_footage_agrees_with_its_trajectory(shared_data: Path) -> None:
    clip = read_rgbd_folder(shared_data / "redwood_rgbd")
    estimate = Colmap()(clip.video, clip.intrinsics, clip.depth)
    rotation, translation = pose_errors(estimate.world_T_cam, clip.world_T_cam)
    assert rotation < 0.5  # 0.03 to 0.23 over 20 seeds of COLMAP
    assert translation < 0.02  # 0.002 to 0.008


def test_frames_without_texture_are_named(corridor: tuple) -> None:
    video = corridor[0].clone()
    video[3:] = 128
    with pytest.raises(ValueError, match=r"COLMAP does not register frames \[.*3, 4\] of 5: .*--frames.*--geometry"):
        Colmap()(video)


def test_a_crash_of_colmap_is_one_line(corridor: tuple, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "mapping.py"
    program.write_text("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n")
    monkeypatch.setattr("models.providers.colmap.provider.MAPPING", program)
    with pytest.raises(ChildProcessError, match=r"COLMAP ended with code -11 \(no message\): use other frames"):
        Colmap()(corridor[0])
