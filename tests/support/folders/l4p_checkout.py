"""A checkout of L4P with a fake package of the same interface, and its weights."""

import importlib
import sys
from pathlib import Path

import torch

from models.checkouts import import_package

FAKE = """
import torch
from torch import nn

class Encoder(nn.Module):
    def __init__(self, width=6, depth=5):
        super().__init__()
        self.patch = nn.Conv3d(3, width, (2, 14, 14), (2, 14, 14))
        self.blocks = nn.ModuleList([nn.Linear(width, width) for _ in range(depth)])
        self.norm = nn.LayerNorm(width)
    def forward(self, rgb, intrinsics, extrinsics):
        features = [self.patch(rgb).flatten(2).transpose(1, 2)]
        for block in self.blocks:
            features.append(torch.tanh(block(features[-1])))
        return features

class Dense(nn.Module):
    def __init__(self, channels, width, hooks, grid=False):
        super().__init__()
        self.hooks, self.channels, self.grid = hooks, channels, grid
        self.out = nn.Linear(len(hooks) * width, channels)
    def forward(self, features, window):
        time, height, width = window
        rows = height // 14
        x = torch.cat([features[h] for h in self.hooks], -1)
        maps = self.out(x).transpose(1, 2).unflatten(2, (time // 2, rows, rows)).repeat_interleave(2, 2)
        if self.grid:
            return maps
        return maps.repeat_interleave(14, 3).repeat_interleave(14, 4)

class Head(nn.Module):
    def __init__(self, channels, width=6, hooks=(1, 2, 3, 4), grid=False):
        super().__init__()
        self.task_head = Dense(channels, width, hooks, grid)
    def forward(self, **_):
        raise RuntimeError("fits poses: not differentiable")

class L4P_VideoMAE(nn.Module):
    def __init__(self, task_heads, video_encoder_ckpt_path=None):
        super().__init__()
        assert video_encoder_ckpt_path is None
        self.video_encoder, self.task_heads = Encoder(), task_heads
"""
MODEL = """
model:
  class_path: l4p.l4p.LitModule
  init_args:
    l4p_model:
      class_path: l4p.models.l4p_videomae.L4P_VideoMAE
      init_args:
        video_encoder_ckpt_path: ./weights/videomae.pth
        task_heads:
          class_path: torch.nn.ModuleDict
          init_args:
            modules:
              depth: {class_path: l4p.models.l4p_videomae.Head, init_args: {channels: 1}}
              flow_2d_backward: {class_path: l4p.models.l4p_videomae.Head, init_args: {channels: 2}}
              dyn_mask: {class_path: l4p.models.l4p_videomae.Head, init_args: {channels: 1}}
              camray: {class_path: l4p.models.l4p_videomae.Head, init_args: {channels: 6, grid: true}}
"""
CHANNELS = {"depth": 1, "flow_2d_backward": 2, "dyn_mask": 1, "camray": 6}
HOOKS = (1, 2, 3, 4)  # of its five blocks


def write_l4p(root: Path) -> Path:
    """Write a checkout with its weights, and return the path of these."""
    (root / "l4p" / "models").mkdir(parents=True)
    (root / "configs").mkdir()
    for package in ("l4p", "l4p/models"):
        (root / package / "__init__.py").touch()
    (root / "l4p" / "models" / "l4p_videomae.py").write_text(FAKE)
    (root / "configs" / "model.yaml").write_text(MODEL)
    import_package("l4p", root)
    fake = importlib.import_module("l4p.models.l4p_videomae")
    torch.manual_seed(0)
    heads = {task: fake.Head(count, grid=task == "camray") for task, count in CHANNELS.items()}
    model = fake.L4P_VideoMAE(torch.nn.ModuleDict(heads))
    state = {f"l4p_model.{key}": value for key, value in model.state_dict().items()}
    state["l4p_model.task_heads.track_2d.extra"] = torch.zeros(1)  # a task that is not ours
    torch.save({"state_dict": state}, root / "l4p.ckpt")
    return root / "l4p.ckpt"


def forget_l4p() -> None:
    """Let another checkout be imported."""
    for name in [name for name in sys.modules if name.split(".")[0] == "l4p"]:
        del sys.modules[name]
