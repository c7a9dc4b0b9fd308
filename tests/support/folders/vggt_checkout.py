"""A checkout of VGGT with a fake network of the published interface, and its answers in closed form."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

WIDTH = 6  # of its tokens; the published 1,024
STEP, TURN, FOV = 0.5, 0.1, (0.7, 1.1)  # of its camera, from frame to frame: x, radians about y; height and width

MODEL = """
import torch
from huggingface_hub import PyTorchModelHubMixin
from torch import nn

from vggt.heads.heads import CameraHead, DPTHead, TrackHead


class Aggregator(nn.Module):
    def __init__(self, img_size, patch_size, embed_dim):
        super().__init__()
        self.patch_embed = nn.Linear(3, embed_dim)
        self.register_buffer("_resnet_mean", torch.zeros(3), persistent=False)

    def forward(self, images):
        assert images.ndim == 5 and 0 <= float(images.min()) and float(images.max()) <= 1
        assert images.shape[-1] % 14 == images.shape[-2] % 14 == 0
        return [images], 5


class VGGT(nn.Module, PyTorchModelHubMixin):
    def __init__(self, img_size=518, patch_size=14, embed_dim=1024):
        super().__init__()
        self.aggregator = Aggregator(img_size=img_size, patch_size=patch_size, embed_dim=embed_dim)
        self.camera_head = CameraHead()
        self.point_head = DPTHead()
        self.depth_head = DPTHead()
        self.track_head = TrackHead()

    def forward(self, images, query_points=None):
        tokens, start = self.aggregator(images)
        predictions = {}
        if self.camera_head is not None:
            predictions["pose_enc"] = self.camera_head(tokens)[-1]
        if self.depth_head is not None:
            depth, confidence = self.depth_head(tokens, images=images, patch_start_idx=start)
            predictions["depth"], predictions["depth_conf"] = depth, confidence
        if self.point_head is not None:
            raise AssertionError("points of the point head are not the published labels")
        predictions["images"] = images
        return predictions
"""
HEADS = """
import torch
from torch import nn


class CameraHead(nn.Module):
    # translation of the OpenCV world-to-camera transform, quaternion x y z w, vertical and horizontal field of view
    def __init__(self):
        super().__init__()
        self.motion = nn.Parameter(torch.zeros(4))  # step and turn of a frame, fields of view

    def forward(self, tokens):
        k = torch.arange(tokens[0].shape[1])
        step, turn, fov_h, fov_w = self.motion
        zero = torch.zeros(len(k))
        half = turn * k / 2
        quaternion = [zero, 3 * torch.sin(half), zero, 3 * torch.cos(half)]  # of no unit length
        columns = [step * k, zero, zero, *quaternion, zero + fov_h, zero + fov_w]
        return [torch.zeros(1, len(k), 9), torch.stack(columns, -1)[None]]


class DPTHead(nn.Module):
    # depth exp(bright x grey) of (batch, time, height, width, 1), confidence 1 + red of (batch, time, height, width)
    def __init__(self):
        super().__init__()
        self.bright = nn.Parameter(torch.zeros(1))

    def forward(self, tokens, images, patch_start_idx):
        return torch.exp(self.bright * images.mean(2))[..., None], 1 + images[:, :, 0]


class TrackHead(nn.Module):
    def __init__(self):
        super().__init__()
        self.unread = nn.Parameter(torch.zeros(2))
"""


def write_vggt(root: Path) -> Path:
    """Write a checkout, `vggt/`, and the folder of its weights, `VGGT-tiny/`, as published; return the latter."""
    code = root / "vggt" / "vggt"
    for package in ("models", "heads"):
        (code / package).mkdir(parents=True)
    (code / "models" / "vggt.py").write_text(MODEL)
    (code / "heads" / "heads.py").write_text(HEADS)
    folder = root / "VGGT-tiny"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"img_size": 518, "patch_size": 14, "embed_dim": WIDTH}))
    save_file(weights(), folder / "model.safetensors")
    return folder


def weights() -> dict[str, torch.Tensor]:
    """Make the weights of the fake, under published names."""
    return {
        "aggregator.patch_embed.weight": torch.ones(WIDTH, 3),
        "aggregator.patch_embed.bias": torch.ones(WIDTH),
        "camera_head.motion": torch.tensor([STEP, TURN, *FOV]),
        "depth_head.bright": torch.ones(1),
        "point_head.bright": torch.ones(1),
        "track_head.unread": torch.ones(2),
    }


def answer(grey: float, frame: int, height: int, width: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Compute what the fake says of a uniform frame, by the published conventions.

    Returns:
        Points in the world (height, width, 3), the camera-from-world transform (4, 4) and the intrinsics (3, 3) in
        pixels of that size, whose centres lie at .5.
    """
    depth = math.exp(grey / 255)
    camera = np.eye(4)
    c, s = math.cos(TURN * frame), math.sin(TURN * frame)
    camera[:3, :3] = [[c, 0, s], [0, 1, 0], [-s, 0, c]]
    camera[0, 3] = STEP * frame
    fy, fx = height / 2 / math.tan(FOV[0] / 2), width / 2 / math.tan(FOV[1] / 2)
    u, v = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    seen = np.stack([(u - width / 2) / fx * depth, (v - height / 2) / fy * depth, np.full_like(u, depth)], -1)
    points = (seen - camera[:3, 3]) @ camera[:3, :3]  # R^T (x - t)
    return points, camera, np.array([[fx, 0, width / 2], [0, fy, height / 2], [0, 0, 1]])


@pytest.fixture
def vggt(tmp_path: Path) -> Iterator[str]:
    """The words that name the fake, which is forgotten after the test: WEIGHTS@CHECKOUT."""
    folder = write_vggt(tmp_path)
    yield f"{folder}@{tmp_path / 'vggt'}"
    forget_vggt()


def forget_vggt() -> None:
    """Let another checkout be imported."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "vggt"]:
        del sys.modules[name]
