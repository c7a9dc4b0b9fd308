"""Pretraining of small encoders for probe studies on unlabelled videos: masked autoencoding and flow matching."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from einops import rearrange, repeat
from jaxtyping import Bool, Float, UInt8
from torch import Tensor
from torch.nn.functional import mse_loss
from transformers import VideoMAEConfig, VideoMAEForPreTraining
from transformers.image_utils import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD

from probes.encoders.videos import flip
from probes.extractors.extractor import resize_bicubic
from training.module import TrainingModule

FULL = 1000  # timestep of pure noise of the flow's transformer


class Pretraining(TrainingModule):
    """Train a stock model on videos, and export it in its own published layout.

    Args:
        model: stock class.
        size: height and width that frames are resized to.
        **optimization: of `TrainingModule`.
    """

    what = ""
    adam_betas = (0.9, 0.95)

    def __init__(self, *, model: Any, size: Sequence[int], **optimization: Any) -> None:
        super().__init__(**optimization)
        self.model, self.size = model, (int(size[0]), int(size[1]))

    def loss(self, video: Float[Tensor, "batch time 3 height width"]) -> Float[Tensor, ""]:
        """Compute the loss on frames in 0 to 1."""
        raise NotImplementedError

    def training_step(self, batch: Tensor, batch_index: int) -> Tensor:
        """Compute the loss of one batch of videos."""
        loss = self.loss(resized(flip(batch), self.size))
        self.log("loss", loss, prog_bar=True, sync_dist=True)
        return loss

    def exported(self) -> Any:
        """Return the part of the model that a probe will read."""
        return self.model

    def summary(self) -> str:
        """Describe the model for the model card."""
        count = sum(p.numel() for p in self.exported().parameters())
        return f"{self.what} {count / 1e6:.2f} M parameters, trained on videos of procedural worlds without labels."

    def export(self, folder: Path) -> None:
        """Write the part that a probe reads, in half precision."""
        self.exported().half().save_pretrained(folder)


class MaskedAutoencoding(Pretraining):
    """VideoMAE (arXiv 2203.12602): reconstruct the normalised pixels of masked tubes from the visible ones.

    With `num_frames=1` it is a masked autoencoder of images (arXiv 2111.06377) with the same trunk, which gets every
    frame as a separate image.
    """

    what = "A masked autoencoder's encoder (transformers VideoMAEModel)."

    def __init__(self, *, model: VideoMAEForPreTraining, masked: float, **options: Any) -> None:
        super().__init__(model=model, **options)
        self.masked = masked

    def loss(self, video: Float[Tensor, "batch time 3 height width"]) -> Float[Tensor, ""]:
        """Reconstruct masked tubes."""
        config: VideoMAEConfig = self.model.config
        clips = rearrange(video, "b (n t) c h w -> (b n) t c h w", t=config.num_frames)
        mean, std = (
            torch.tensor(value).view(3, 1, 1).to(self.device) for value in (IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD)
        )
        patches = (config.image_size // config.patch_size) ** 2
        masks = tube_masks(len(clips), config.num_frames // config.tubelet_size, patches, self.masked, clips.device)
        loss: Tensor = self.model((clips - mean) / std, masks).loss
        return loss

    def exported(self) -> Any:
        """Return the encoder without the decoder."""
        return self.model.videomae


class FlowMatching(Pretraining):
    """Rectified flow (arXiv 2209.03003) on pixels: predict noise - clean from (1 - sigma) clean + sigma noise.

    Sigma is logit-normal (arXiv 2403.03206). The text embedding is zero.
    """

    what = "A video diffusion transformer on pixels (diffusers WanTransformer3DModel, straight flow)."

    def loss(self, video: Float[Tensor, "batch time 3 height width"]) -> Float[Tensor, ""]:
        """Regress the velocity."""
        clean = rearrange(2 * video - 1, "b t c h w -> b c t h w")
        noise = torch.randn_like(clean)
        sigma = torch.randn(len(clean), device=clean.device).sigmoid()
        level = sigma[:, None, None, None, None]
        text = clean.new_zeros(len(clean), 1, self.model.config.text_dim)
        velocity = self.model((1 - level) * clean + level * noise, FULL * sigma, text, return_dict=False)[0]
        return mse_loss(velocity, noise - clean)


def resized(
    video: UInt8[Tensor, "batch time 3 height width"], size: tuple[int, int]
) -> Float[Tensor, "batch time 3 rows cols"]:
    """Resize frames as extractors do, to values in 0 to 1."""
    frames: Tensor = resize_bicubic(video.flatten(0, 1), size).unflatten(0, video.shape[:2])
    return frames


def tube_masks(
    clips: int, slots: int, patches: int, masked: float, device: torch.device | str = "cpu"
) -> Bool[Tensor, "clip token"]:
    """Mask the same patches in every slot of a clip, different ones in each clip."""
    hidden = torch.rand(clips, patches, device=device).argsort(-1) < round(masked * patches)
    masks: Tensor = repeat(hidden, "n p -> n (s p)", s=slots)
    return masks
