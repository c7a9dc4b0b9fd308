"""A teacher of several stock models: video latents, monocular depth and optical flow."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torchvision.models import optical_flow

from distill.teachers.teacher import Targets, TeacherSpec, digest_of, predicted_signals, resize_frames
from models.encoders.video_encoder import VideoEncoder
from models.providers import DepthModel, relative_to_depth
from scenes.clip import Clip

RAFT_MIN_SIDE = 128  # pixels


class StockTeacher:
    """Latents of a transformers video encoder (V-JEPA 2, VideoMAE), depth by Depth Anything V2, flow by RAFT.

    No stock class decodes depth, flow, motion and cameras from one latent, so there is no decoder: the student needs
    trainable, training-only heads. The flow is backward: RAFT gets each frame first and the previous one second. A
    relative depth head gives depth order without a unit (see `relative_to_depth`).
    """

    def __init__(
        self,
        video: str | Path,
        hooks: Sequence[int],
        frames: int,
        size: int,
        depth: str | Path | None = None,
        flow: str | Path | None = None,
        flow_model: str = "raft_large",
        image_mean: Sequence[float] = (0.485, 0.456, 0.406),
        image_std: Sequence[float] = (0.229, 0.224, 0.225),
    ) -> None:
        """Load from folders and files; nothing is downloaded.

        Args:
            video: checkpoint folder of the video encoder.
            hooks: its blocks that are distilled.
            frames: frames of a clip.
            size: height and width of a frame in pixels.
            depth: checkpoint folder of Depth Anything V2; None for no depth.
            flow: file with the weights of torchvision's RAFT; None for no flow.
            flow_model: "raft_large" or "raft_small".
            image_mean: mean of the encoder's normalised pixels per channel, for values in [0, 1].
            image_std: standard deviation per channel.

        Raises:
            FileNotFoundError: a folder or file is missing.
            ValueError: the flow model is unknown, or its weights do not fit.
        """
        self.encoder = VideoEncoder.from_pretrained(video, hooks)
        self.depth = DepthModel(depth) if depth else None
        self.flow = load_raft(flow, flow_model) if flow else None
        self.mean, self.std = (rearrange(torch.tensor(list(c)), "c -> c 1 1") for c in (image_mean, image_std))
        for part in self._parts().values():
            part.eval().requires_grad_(False)
        config = self.encoder.model.config
        side = size // config.patch_size
        latent = (len(self.encoder.hooks), frames // config.tubelet_size, side, side, config.hidden_size)
        signals = tuple(name for name, part in (("depth", self.depth), ("flow", self.flow)) if part is not None)
        self._spec = TeacherSpec(frames, size, latent, signals, decodes=False)

    def _parts(self) -> dict[str, nn.Module]:
        parts = {"encoder": self.encoder, "depth": self.depth, "flow": self.flow}
        return {name: part for name, part in parts.items() if part is not None}

    @property
    def spec(self) -> TeacherSpec:
        """Sizes of inputs and outputs."""
        return self._spec

    @cached_property
    def digest(self) -> str:
        """Hash of sizes and weights."""
        metric = self.depth.metric if self.depth is not None else None
        settings = (self.spec, self.encoder.hooks, self.mean.tolist(), self.std.tolist(), metric)
        return digest_of(settings, *self._parts().values())

    @property
    def heads(self) -> None:
        """There is no decoder."""

    def to(self, device: torch.device | str) -> StockTeacher:
        """Move to a device."""
        for part in self._parts().values():
            part.to(device)
        self.mean, self.std = self.mean.to(device), self.std.to(device)
        return self

    @torch.no_grad()
    def encode(
        self, video: UInt8[Tensor, "batch time 3 height width"]
    ) -> Float[Tensor, "batch hook slot rows cols channel"]:
        """Encode frames to latents."""
        latents: Tensor = self.encoder((video.float() / 255 - self.mean) / self.std)
        return latents

    def decode(self, latents: Float[Tensor, "batch hook slot rows cols channel"]) -> dict[str, Tensor]:
        """Raise ValueError: stock models have no decoder of these latents."""
        raise ValueError("stock models have no decoder of these latents: use trainable heads in the student")

    @torch.no_grad()
    def targets(self, clip: Clip) -> Targets:
        """Compute the targets of one clip."""
        video = resize_frames(clip.video.to(self.mean.device), self.spec.size)
        values: dict[str, Tensor] = {}
        if self.depth is not None:
            raw = self.depth.raw_output(video)
            metres = raw if self.depth.metric else relative_to_depth(raw)
            values["depth"] = metres.clamp_min(1e-3).log()[:, None].cpu()
        if self.flow is not None:
            values["flow"] = backward_flow(self.flow, video).cpu()
        return Targets(self.encode(video[None])[0].float().cpu(), predicted_signals(values))


def backward_flow(raft: nn.Module, video: UInt8[Tensor, "time 3 height width"]) -> Float[Tensor, "time 2 height width"]:
    """Estimate the flow (pixels) from each frame to the previous one; 0 for the first frame."""
    height, width = video.shape[-2:]
    larger = (max(RAFT_MIN_SIDE, -(-height // 8) * 8), max(RAFT_MIN_SIDE, -(-width // 8) * 8))
    frames = F.interpolate(video.float() / 127.5 - 1, larger, mode="bilinear", antialias=True, align_corners=False)
    flow = raft(frames[1:], frames[:-1])[-1]
    small = F.interpolate(flow, (height, width), mode="bilinear", antialias=True, align_corners=False)
    scale = torch.tensor([width / larger[1], height / larger[0]], device=small.device)
    return torch.cat([torch.zeros_like(small[:1]), small * scale[:, None, None]])


def load_raft(path: str | Path, name: str) -> nn.Module:
    """Load torchvision's RAFT from a file with its weights.

    Raises:
        FileNotFoundError: the file is missing.
        ValueError: the model is unknown, or the weights are those of another one.
    """
    if name not in ("raft_large", "raft_small"):
        raise ValueError(f"unknown flow model {name!r}: choose raft_large or raft_small")
    if not Path(path).is_file():
        raise FileNotFoundError(f"no RAFT weights at {path}: give the file of torchvision's {name}")
    raft: nn.Module = getattr(optical_flow, name)(weights=None)
    try:
        raft.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    except RuntimeError as error:
        raise ValueError(
            f"{path} does not fit torchvision's {name}: give its weights, or another flow_model"
        ) from error
    return raft
