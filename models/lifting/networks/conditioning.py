"""The condition of the flow: tokens of image, mask and point map, of the crop and of the full picture."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import torch
import torch.nn.functional as F
from einops import rearrange, repeat
from jaxtyping import Bool, Float, Int64
from timm.data import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, Dinov2Config

from models.checkpoint_files import NO_CODE
from models.encoders import ImageEncoder
from models.lifting.inputs.crops import ObjectViews, View
from models.lifting.networks.point_patches import PointPatchEmbed
from models.pretrained import load_pretrained


@dataclass(frozen=True)
class Condition:
    """Tokens of each object; the last `point_tokens` of them come from the point map.

    Dropping sets tokens to 0 and keeps their number, as the published model does.
    """

    tokens: Float[Tensor, "object token channel"]
    point_tokens: int

    def __len__(self) -> int:
        return len(self.tokens)

    def take(self, index: Int64[Tensor, "pick"]) -> Condition:
        """Select objects, also several times."""
        return replace(self, tokens=self.tokens[index])

    def without(self, objects: Bool[Tensor, "object"] | None = None) -> Condition:
        """Drop the whole condition of the marked objects, or of all: the unconditional input of guidance."""
        marked = self._marked(objects)
        return replace(self, tokens=self.tokens.masked_fill(marked[:, None, None], 0))

    def without_points(self, objects: Bool[Tensor, "object"] | None = None) -> Condition:
        """Drop the point map, of the marked objects or of all."""
        of_points = torch.arange(self.tokens.shape[1], device=self.tokens.device) >= (
            self.tokens.shape[1] - self.point_tokens
        )
        marked = self._marked(objects)[:, None] & of_points
        return replace(self, tokens=self.tokens.masked_fill(marked[..., None], 0))

    def _marked(self, objects: Tensor | None) -> Tensor:
        return self.tokens.new_ones(len(self.tokens), dtype=torch.bool) if objects is None else objects


def draw_objects(
    count: int, probability: float, generator: torch.Generator, device: torch.device | str = "cpu"
) -> Bool[Tensor, "object"]:
    """Draw which objects of a training batch lose their condition, or their point map (published probability 0.1).

    The published code draws once a batch; ours draws once an object, which is the same in expectation.
    """
    return (torch.rand(count, generator=generator, device=generator.device) < probability).to(device)


class Conditioner(nn.Module):
    """Encode both views of each object to six concatenated streams of tokens with `width` channels.

    Each of the encoders (image, mask repeated to three channels, point map) serves crop and full picture, has a
    projector (layer norm, gated SiLU), and adds a learned vector that tells the two views apart. An object without any
    valid point has its point tokens dropped. Source: EmbedderFuser of SAM 3D, specs/sam3d.md 2.1; the class tokens of
    its image encoders are left out, since our encoders give maps.

    Args:
        width: channels of the tokens.
        image_encoder: any `ImageEncoder`; None builds a small one (`small_image_encoder`).
        mask_encoder: the same for masks.
        point_encoder: of point maps; None builds the default one.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        *,
        width: int = 128,
        image_encoder: ImageEncoder | None = None,
        mask_encoder: ImageEncoder | None = None,
        point_encoder: PointPatchEmbed | None = None,
    ) -> None:
        super().__init__()
        self.width = width
        self.image_encoder = image_encoder or small_image_encoder()
        self.mask_encoder = mask_encoder or small_image_encoder()
        self.point_encoder = point_encoder or PointPatchEmbed()
        encoders = (self.image_encoder, self.mask_encoder, self.point_encoder)
        self.projectors = nn.ModuleList([GatedProjector(encoder.channels, width) for encoder in encoders])
        self.view = nn.Parameter(0.02 * torch.randn(2, width))  # crop, full
        self.register_buffer("mean", torch.tensor(IMAGENET_DEFAULT_MEAN)[:, None, None], persistent=False)
        self.register_buffer("std", torch.tensor(IMAGENET_DEFAULT_STD)[:, None, None], persistent=False)

    def forward(self, views: ObjectViews) -> Condition:
        """Encode the views: tokens of image crop, image full, mask crop, mask full, points crop, points full."""
        by_view = [self._encode(view) for view in (views.crop, views.full)]
        streams = [
            projector(tokens) + group
            for projector, both in zip(self.projectors, zip(*by_view, strict=True), strict=True)
            for tokens, group in zip(both, self.view, strict=True)
        ]
        condition = Condition(torch.cat(streams, 1), sum(stream.shape[1] for stream in streams[-2:]))
        known = views.crop.points.valid.flatten(1).any(1) | views.full.points.valid.flatten(1).any(1)
        return condition.without_points(~known)

    def _encode(self, view: View) -> tuple[Tensor, Tensor, Tensor]:
        image = self.image_encoder((view.image - self.mean) / self.std)
        mask = self.mask_encoder(repeat(view.mask.to(view.image), "b h w -> b 3 h w"))
        image, mask = (rearrange(grid, "b r c d -> b (r c) d") for grid in (image, mask))
        return image, mask, self.point_encoder(view.points)


class GatedProjector(nn.Module):
    """Project tokens by layer norm and a feed-forward network whose hidden layer is gated by SiLU."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(inputs)
        self.gate, self.value = (nn.Linear(inputs, 4 * inputs) for _ in range(2))
        self.out = nn.Linear(4 * inputs, outputs)

    def forward(self, tokens: Float[Tensor, "object token channel"]) -> Float[Tensor, "object token width"]:
        """Project each token."""
        normed = self.norm(tokens)
        projected: Tensor = self.out(F.silu(self.gate(normed)) * self.value(normed))
        return projected


def small_image_encoder(
    *, size: int = 64, patch: int = 8, width: int = 96, depth: int = 3, heads: int = 3
) -> ImageEncoder:
    """Build an untrained DINOv2 of a size that two cores can train."""
    config = Dinov2Config(
        image_size=size,
        patch_size=patch,
        hidden_size=width,
        num_hidden_layers=depth,
        num_attention_heads=heads,
        mlp_ratio=4,
    )
    return ImageEncoder(config, stride=patch)


def pretrained_image_encoder(folder: str | Path, frozen: bool = True) -> ImageEncoder:
    """Load an image encoder, such as DINOv2, from a checkpoint folder; nothing is downloaded.

    Raises FileNotFoundError where there is none.
    """
    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True, **NO_CODE)
        encoder = ImageEncoder(config, stride=config.patch_size)
        weights = load_pretrained(AutoModel, folder).state_dict()
    except OSError as error:
        raise FileNotFoundError(f"no image encoder in '{folder}': give a folder (`hf download` gets one)") from error
    encoder.model.load_state_dict(weights)
    if frozen:
        encoder.requires_grad_(False)
    return encoder
