"""The L4P adapter, against a fake package of the same interface."""

import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from distill.teachers import Teacher
from distill.teachers.l4p import UNREAD, L4PTeacher, import_package
from scenes.clip import Clip

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


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "l4p" / "models").mkdir(parents=True)
    (tmp_path / "configs").mkdir()
    for package in ("l4p", "l4p/models"):
        (tmp_path / package / "__init__.py").touch()
    (tmp_path / "l4p" / "models" / "l4p_videomae.py").write_text(FAKE)
    (tmp_path / "configs" / "model.yaml").write_text(MODEL)
    yield tmp_path
    for name in [name for name in sys.modules if name.split(".")[0] == "l4p"]:
        del sys.modules[name]


@pytest.fixture
def teacher(checkout: Path) -> L4PTeacher:
    import_package("l4p", checkout)
    fake = importlib.import_module("l4p.models.l4p_videomae")
    torch.manual_seed(0)
    channels = {"depth": 1, "flow_2d_backward": 2, "dyn_mask": 1, "camray": 6}
    heads = {task: fake.Head(count, grid=task == "camray") for task, count in channels.items()}
    model = fake.L4P_VideoMAE(torch.nn.ModuleDict(heads))
    state = {f"l4p_model.{key}": value for key, value in model.state_dict().items()}
    state["l4p_model.task_heads.track_2d.extra"] = torch.zeros(1)  # a task that is not ours
    torch.save({"state_dict": state}, checkout / "l4p.ckpt")
    return L4PTeacher(checkout, checkout / "l4p.ckpt", frames=4, size=28, hooks=(1, 2, 3, 4))


def test_targets_are_the_raw_outputs_of_the_heads(teacher: L4PTeacher, clips: list[Clip]) -> None:
    assert isinstance(teacher, Teacher)
    assert teacher.spec.latent == (4, 2, 2, 2, 6)
    targets = teacher.targets(clips[0])
    assert {name: tuple(v.shape) for name, v in targets.signals.values.items()} == {
        "depth": (4, 1, 28, 28),
        "flow": (4, 2, 28, 28),
        "motion": (4, 1, 28, 28),
        "rays": (4, 6, 2, 2),
    }
    assert not targets.signals.valid["flow"][0].any()


def test_a_students_latents_are_decoded_differentiably_and_unread_blocks_stay_unread(teacher: L4PTeacher) -> None:
    assert teacher.spec.latent is not None
    latents = torch.randn(2, *teacher.spec.latent, requires_grad=True)
    decoded = teacher.decode(latents)
    assert max(value.abs().max().item() for value in decoded.values()) < abs(UNREAD) / 100
    torch.stack([value.square().sum() for value in decoded.values()]).sum().backward()
    assert latents.grad is not None
    assert bool((latents.grad.flatten(2).abs().amax((0, 2)) > 0).all())  # every hook is read
    assert all(p.grad is None for p in teacher.model.parameters())


def test_other_weights_have_another_digest(teacher: L4PTeacher, checkout: Path) -> None:
    state = torch.load(checkout / "l4p.ckpt", weights_only=True)
    state["state_dict"]["l4p_model.video_encoder.norm.weight"] += 1
    torch.save(state, checkout / "other.ckpt")
    other = L4PTeacher(checkout, checkout / "other.ckpt", frames=4, size=28, hooks=(1, 2, 3, 4))
    assert other.digest != teacher.digest


def test_what_is_missing_is_named(teacher: L4PTeacher, checkout: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no L4P checkout at .*model\.yaml"):
        L4PTeacher(checkout / "none", checkout / "l4p.ckpt")
    with pytest.raises(FileNotFoundError, match="no checkpoint at"):
        L4PTeacher(checkout, checkout / "none.ckpt")
    state = torch.load(checkout / "l4p.ckpt", weights_only=True)
    del state["state_dict"]["l4p_model.task_heads.depth.task_head.out.weight"]
    torch.save(state, checkout / "cut.ckpt")
    with pytest.raises(ValueError, match=r"lacks 1 weights of L4P, such as task_heads\.depth"):
        L4PTeacher(checkout, checkout / "cut.ckpt", frames=4, size=28, hooks=(1, 2, 3, 4))


def test_a_folder_without_the_package_is_refused(checkout: Path) -> None:
    with pytest.raises(ValueError, match="has no package nothing"):
        import_package("nothing", checkout)


def test_choosing_another_teacher_imports_nothing_of_l4p() -> None:
    code = "import sys, distill.teachers, distill.student; print([m for m in sys.modules if 'l4p' in m])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
