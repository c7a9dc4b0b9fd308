"""L4P (arXiv 2502.13078) as a teacher, from a checkout of the user; its code and weights are not included.

This uses the interface of its public repository: `L4P_VideoMAE.video_encoder(rgb, intrinsics, extrinsics)` returns the
outputs of all blocks (patch embedding first), and `task_heads[task].task_head(features, (time, height, width))` the raw
values (log depth, pixels, logits, Plücker rays). Calling the inner `task_head` skips the camera head's pose fitting,
which is not differentiable. Licence of L4P: CC-BY-NC-SA-4.0.
"""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
import yaml
from einops import rearrange
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from distill.teachers.teacher import Targets, TeacherSpec, decoded_targets
from models.checkouts import import_package
from scenes.clip import Clip

TASKS = {"depth": "depth", "flow": "flow_2d_backward", "motion": "dyn_mask", "rays": "camray"}
HOOKS = (14, 21, 28, 36)  # blocks that its DPT heads read
UNREAD = -10000.0  # fills the outputs of blocks that no head reads
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet
TUBELET, PATCH = 2, 14


class L4PTeacher:
    """The published 4D expert, frozen: one window of 16 frames of 224 pixels."""

    def __init__(
        self,
        folder: str | Path,
        checkpoint: str | Path,
        frames: int = 16,
        size: int = 224,
        hooks: Sequence[int] = HOOKS,
    ) -> None:
        """Build the model that `configs/model.yaml` describes, and load its weights.

        Args:
            folder: checkout of the L4P repository.
            checkpoint: its Lightning checkpoint; keys begin with `l4p_model.`.
            frames: frames of a window.
            size: height and width of a frame in pixels.
            hooks: blocks that the heads read.

        Raises:
            FileNotFoundError: the folder or the checkpoint is missing.
            ImportError: L4P needs a package that is not installed.
            ValueError: the folder is not an L4P checkout, or the weights do not fit.
        """
        self.folder, self.checkpoint = Path(folder), Path(checkpoint)
        for path, what in ((self.folder / "configs" / "model.yaml", "L4P checkout"), (self.checkpoint, "checkpoint")):
            if not path.is_file():
                raise FileNotFoundError(f"no {what} at '{path}': get it from github.com/NVlabs/L4P")
        description = find_class(yaml.safe_load((self.folder / "configs" / "model.yaml").read_text()), "L4P_VideoMAE")
        if description is None:
            raise ValueError(f"{self.folder}/configs/model.yaml describes no L4P_VideoMAE: give an L4P checkout")
        description["init_args"]["video_encoder_ckpt_path"] = None  # the checkpoint has these weights
        try:
            import_package("l4p", self.folder)
            self.model = build(description)
        except ImportError as error:
            raise ImportError(
                f"L4P in {self.folder} needs a package that is not installed ({error}): install it"
            ) from error
        state = torch.load(self.checkpoint, map_location="cpu", mmap=True, weights_only=True)  # no copy in memory
        state = state.get("state_dict", state)
        weights = {key.removeprefix("l4p_model."): value for key, value in state.items()}
        report = self.model.load_state_dict(weights, strict=False)
        missing = [key for key in report.missing_keys if self._is_needed(key)]
        if missing:
            raise ValueError(
                f"{self.checkpoint} lacks {len(missing)} weights of L4P, such as {missing[0]}: give the checkpoint of "
                "this checkout"
            )
        self.model.eval().requires_grad_(False)
        self.hooks = tuple(hooks)
        channels = self.model.video_encoder.norm.weight.shape[0]
        side = size // PATCH
        self._spec = TeacherSpec(frames, size, (len(self.hooks), frames // TUBELET, side, side, channels), tuple(TASKS))

    @staticmethod
    def _is_needed(key: str) -> bool:
        return key.startswith(("video_encoder.", *(f"task_heads.{task}.task_head." for task in TASKS.values())))

    @property
    def spec(self) -> TeacherSpec:
        """Sizes of inputs and outputs."""
        return self._spec

    @cached_property
    def digest(self) -> str:
        """Hash of the checkpoint file and the window."""
        digest = hashlib.sha256(repr((self.spec, self.hooks)).encode())
        with self.checkpoint.open("rb") as file:
            while block := file.read(1 << 24):
                digest.update(block)
        return digest.hexdigest()[:16]

    @property
    def device(self) -> torch.device:
        """The device of the weights."""
        device: torch.device = self.model.video_encoder.norm.weight.device
        return device

    @property
    def heads(self) -> nn.ModuleList:
        """The four DPT heads, without the camera head's pose fitting."""
        return nn.ModuleList([self.model.task_heads[task].task_head for task in TASKS.values()])

    def to(self, device: torch.device | str) -> L4PTeacher:
        """Move to a device."""
        self.model.to(device)
        return self

    @torch.no_grad()
    def encode(
        self, video: UInt8[Tensor, "batch time 3 height width"]
    ) -> Float[Tensor, "batch hook slot rows cols channel"]:
        """Encode one window to the outputs of the hooked blocks."""
        mean, std = (rearrange(torch.tensor(c, device=video.device), "c -> c 1 1 1") for c in (MEAN, STD))
        rgb = (rearrange(video, "b t c h w -> b c t h w").float() / 255 - mean) / std
        features = self.model.video_encoder(rgb, None, None)
        _, slots, rows, cols, _ = self._latent
        hooked = torch.stack([features[hook] for hook in self.hooks], 1)
        latents: Tensor = rearrange(hooked, "b k (s r c) d -> b k s r c d", s=slots, r=rows, c=cols)
        return latents

    def decode(self, latents: Float[Tensor, "batch hook slot rows cols channel"]) -> dict[str, Tensor]:
        """Decode latents, L4P's or a student's, to raw signals; differentiable in the latents."""
        tokens = rearrange(latents, "b k s r c d -> k b (s r c) d")
        features = [torch.full_like(tokens[0], UNREAD)] * (len(self.model.video_encoder.blocks) + 1)
        for hook, of_hook in zip(self.hooks, tokens, strict=True):
            features[hook] = of_hook
        window = (self.spec.frames, self.spec.size, self.spec.size)
        return {
            name: rearrange(self.model.task_heads[task].task_head(features, window), "b c t h w -> b t c h w")
            for name, task in TASKS.items()
        }

    def targets(self, clip: Clip) -> Targets:
        """Compute the targets of one clip (see `decoded_targets`)."""
        return decoded_targets(self, clip, self.device)

    @property
    def _latent(self) -> tuple[int, int, int, int, int]:
        assert self._spec.latent is not None
        return self._spec.latent


def find_class(node: Any, name: str) -> dict[str, Any] | None:
    """Find the description of a class at any depth of a Lightning configuration; None if there is none."""
    if isinstance(node, dict):
        if str(node.get("class_path", "")).endswith(f".{name}"):
            return {"class_path": node["class_path"], "init_args": dict(node.get("init_args", {}))}
        node = list(node.values())
    if isinstance(node, list):
        for part in node:
            if (description := find_class(part, name)) is not None:
                return description
    return None


def build(node: Any) -> Any:
    """Instantiate a Lightning configuration: nested class paths with arguments."""
    if isinstance(node, list):
        return [build(part) for part in node]
    if not isinstance(node, dict):
        return node
    if "class_path" not in node:
        return {key: build(part) for key, part in node.items()}
    module, _, name = node["class_path"].rpartition(".")
    return getattr(importlib.import_module(module), name)(**build(node.get("init_args", {})))
