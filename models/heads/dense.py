"""Dense head of a video transformer: a DPT neck on latents of four depths, and a small convolutional head."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn
from transformers import DPTConfig
from transformers.models.dpt.modeling_dpt import DPTNeck


class DenseHead(nn.Module):
    """Predict `outputs` maps per frame from latents of several depths.

    Each slot (tubelet) passes transformers' DPT neck on its own; the last layer predicts the maps of all its frames.
    The maps are raw values, which the caller interprets (log depth, pixels, logits).
    Source: DPT (arXiv 2103.13413) section 3; L4P decodes its tubelets in the same way (arXiv 2502.13078).

    Args:
        channels: channels of the latents.
        outputs: maps per frame.
        tubelet: frames per slot.
        width: channels of the fusion.
        factors: resolution at which each depth is fused, relative to the latents' grid, finest first.
    """

    def __init__(
        self,
        channels: int,
        outputs: int,
        tubelet: int = 2,
        width: int = 32,
        factors: Sequence[int | float] = (4, 2, 1, 0.5),
    ) -> None:
        super().__init__()
        self.tubelet = tubelet
        config = DPTConfig(
            hidden_size=channels,
            neck_hidden_sizes=[width] * len(factors),
            fusion_hidden_size=width,
            reassemble_factors=list(factors),
            readout_type="ignore",
            use_batch_norm_in_fusion_residual=False,
        )
        self.neck = DPTNeck(config)
        # unused: the deepest level has nothing to be fused with
        self.neck.fusion_stage.layers[0].residual_layer1.requires_grad_(False)
        self.last = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, outputs * tubelet, 1)
        )

    def forward(
        self, latents: Float[Tensor, "batch depth slot rows cols channel"], size: tuple[int, int]
    ) -> Float[Tensor, "batch time output height width"]:
        """Predict maps of `size` (height, width), resized bilinearly from the resolution of the neck."""
        batch, _, _, rows, cols, _ = latents.shape
        tokens = rearrange(latents, "b depth s r c d -> depth (b s) (r c) d")
        tokens = torch.cat([torch.zeros_like(tokens[:, :, :1]), tokens], 2)  # DPT expects a class token first
        fused = self.neck(list(tokens), rows, cols)[-1]
        maps = F.interpolate(self.last(fused), size, mode="bilinear", align_corners=False)
        frames: Tensor = rearrange(maps, "(b s) (o f) h w -> b (s f) o h w", b=batch, f=self.tubelet)
        return frames
