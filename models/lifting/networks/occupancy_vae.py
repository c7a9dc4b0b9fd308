"""A convolutional VAE of object shapes: a grid of occupancy, signed distance or both, and a small latent."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal, get_args

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from models.lifting.networks.grid import from_tokens, to_tokens

Field = Literal["occupancy", "distance"]


class OccupancyVAE(nn.Module):
    """Encode grids over the cube of an object to a latent of `side`^3 x `latent_channels`, and decode them.

    The default takes 32^3 to 8^3 x 8. The published size, 64^3 to 16^3 x 8, is resolution 64 with channels
    (32, 128, 512) and fields ("occupancy",). One channel a field: "occupancy" enters as 0 or 1 and leaves as logits
    (positive inside), "distance" enters and leaves truncated (`truncated_distance`, negative inside).
    Source: the sparse-structure VAE of SAM 3D, specs/sam3d.md 2.3; the distance field is ours, because marching cubes
    on a distance is far more exact than on occupancy at 32^3 (ibid. 4.2).

    Args:
        resolution: voxels along an axis of the grid.
        channels: widths of the levels; between two levels the grid halves.
        latent_channels: channels of the latent.
        blocks: residual blocks in each level, and in the middle.
        fields: what the grid holds.
        patch: latent voxels along an axis that make one token; 2 gives a 16^3 latent 512 tokens.
        stem: voxels along an axis that enter the first level as channels of one; 2 costs a quarter, without
            convolutions at full resolution. The published model has 1.
    """

    latent_mean: Tensor
    latent_std: Tensor

    def __init__(
        self,
        *,
        resolution: int = 32,
        channels: Sequence[int] = (16, 32, 64),
        latent_channels: int = 8,
        blocks: int = 2,
        fields: Sequence[Field] = ("occupancy", "distance"),
        patch: int = 1,
        stem: Literal[1, 2] = 1,
    ) -> None:
        super().__init__()
        self.fields, self.patch, self.resolution = tuple(fields), patch, resolution
        self.latent_channels = latent_channels
        halvings = len(channels) - 1 + (stem == 2)
        self.side = resolution // 2**halvings
        if not fields or set(fields) - set(get_args(Field)) or len(set(fields)) < len(fields):
            raise ValueError(f"fields must be some of {', '.join(get_args(Field))}, each once; got {list(fields)}")
        if self.side * 2**halvings != resolution or self.side % patch:
            raise ValueError(
                f"resolution {resolution} cannot be halved {halvings} times into patches of {patch}: "
                "choose a power of two"
            )
        self.token_channels = latent_channels * patch**3
        self.tokens = (self.side // patch) ** 3
        deepest = channels[-1]

        packed = len(fields) * stem**3
        down: list[nn.Module] = [PixelUnshuffle3d()] if stem == 2 else []
        down += [convolution(packed, channels[0])]
        for width, deeper in pairwise(channels):
            down += [*residual(width, blocks), convolution(width, deeper, stride=2)]
        down += [*residual(deepest, 2 * blocks), *readout(deepest, 2 * latent_channels)]
        self.encoder = nn.Sequential(*down)

        up: list[nn.Module] = [convolution(latent_channels, deepest), *residual(deepest, 2 * blocks)]
        for width, shallower in pairwise(channels[::-1]):
            up += [convolution(width, 8 * shallower), PixelShuffle3d(), *residual(shallower, blocks)]
        up += [*readout(channels[0], packed)]
        self.decoder = nn.Sequential(*up, *([PixelShuffle3d()] if stem == 2 else []))

        self.register_buffer("latent_mean", torch.zeros(latent_channels))
        self.register_buffer("latent_std", torch.ones(latent_channels))
        self.to(memory_format=torch.channels_last_3d)  # norms over channels, and convolutions on CPUs, are faster

    def encode(
        self, grids: Float[Tensor, "object field x y z"]
    ) -> tuple[Float[Tensor, "object channel a b c"], Float[Tensor, "object channel a b c"]]:
        """Encode grids to the mean and log variance of the posterior."""
        if grids.shape[1:] != (len(self.fields), self.resolution, self.resolution, self.resolution):
            raise ValueError(
                f"this VAE takes grids of {', '.join(self.fields)} at {self.resolution}^3, got {tuple(grids.shape[1:])}"
            )
        mean, log_variance = self.encoder(grids).chunk(2, 1)
        return mean, log_variance.clamp(-30, 10)  # exp stays finite in float16 too

    def decode(self, latent: Float[Tensor, "object channel a b c"]) -> Float[Tensor, "object field x y z"]:
        """Decode latents to one channel a field: logits, truncated distance."""
        decoded: Tensor = self.decoder(latent)
        return decoded

    def forward(
        self, grids: Float[Tensor, "object field x y z"], generator: torch.Generator | None = None
    ) -> tuple[
        Float[Tensor, "object field x y z"],
        Float[Tensor, "object channel a b c"],
        Float[Tensor, "object channel a b c"],
    ]:
        """Encode, draw from the posterior, decode. Returns the decoded grids, the mean and the log variance."""
        mean, log_variance = self.encode(grids)
        noise = torch.randn(mean.shape, generator=generator, device=mean.device, dtype=mean.dtype)
        return self.decode(mean + (0.5 * log_variance).exp() * noise), mean, log_variance

    @torch.no_grad()
    def standardise(self, means: Float[Tensor, "object channel a b c"]) -> None:
        """Fit the shift and scale that take the tokens of these posterior means to unit variance, channel by channel.

        The published model has none (shift 0, scale 1, as here before this call). A flow from unit noise learns latents
        of another magnitude more slowly.
        """
        self.latent_mean.copy_(means.mean((0, 2, 3, 4)))
        self.latent_std.copy_(means.std((0, 2, 3, 4)).clamp_min(1e-4))

    def encode_tokens(self, grids: Float[Tensor, "object field x y z"]) -> Float[Tensor, "object token feature"]:
        """Encode grids to the standardised tokens that the geometry flow learns (posterior means)."""
        mean, std = (rearrange(x, "c -> c 1 1 1") for x in (self.latent_mean, self.latent_std))
        return to_tokens((self.encode(grids)[0] - mean) / std, self.patch)

    def decode_tokens(self, tokens: Float[Tensor, "object token feature"]) -> Float[Tensor, "object field x y z"]:
        """Decode standardised tokens to grids."""
        return self.decode(self.latent(tokens))

    def latent(self, tokens: Float[Tensor, "object token feature"]) -> Float[Tensor, "object channel a b c"]:
        """Convert tokens back to the latent grid, without standardisation."""
        mean, std = (rearrange(x, "c -> c 1 1 1") for x in (self.latent_mean, self.latent_std))
        latent: Tensor = from_tokens(tokens, self.side, self.patch) * std + mean
        return latent

    def inside(self, decoded: Float[Tensor, "object field x y z"]) -> Float[Tensor, "object x y z"]:
        """Select the field whose level 0 is the surface, positive inside: minus the distance, else the logits."""
        if "distance" in self.fields:
            return -decoded[:, self.fields.index("distance")]
        return decoded[:, self.fields.index("occupancy")]


class ChannelNorm(nn.LayerNorm):
    """Normalise the channels of each voxel."""

    def forward(self, x: Float[Tensor, "object channel x y z"]) -> Float[Tensor, "object channel x y z"]:
        """Apply layer norm along the channel axis."""
        last = super().forward(rearrange(x, "b c x y z -> b x y z c"))
        return rearrange(last, "b x y z c -> b c x y z")  # type: ignore[no-any-return]


class ResidualBlock3d(nn.Module):
    """Add two normalised convolutions; the second starts at zero."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(*readout(width, width), *readout(width, width))
        last = self.layers[-1]
        nn.init.zeros_(last.weight)  # type: ignore[arg-type]
        nn.init.zeros_(last.bias)  # type: ignore[arg-type]

    def forward(self, x: Float[Tensor, "object channel x y z"]) -> Float[Tensor, "object channel x y z"]:
        """Transform a grid of features."""
        output: Tensor = x + self.layers(x)
        return output


class PixelShuffle3d(nn.Module):
    """Double the resolution: eight channels become the eight children of a voxel."""

    def forward(self, x: Float[Tensor, "object packed x y z"]) -> Float[Tensor, "object channel _ _ _"]:
        """Unpack channels."""
        return rearrange(x, "b (c i j k) x y z -> b c (x i) (y j) (z k)", i=2, j=2, k=2)  # type: ignore[no-any-return]


class PixelUnshuffle3d(nn.Module):
    """Halve the resolution: the eight children of a voxel become channels."""

    def forward(self, x: Float[Tensor, "object channel x y z"]) -> Float[Tensor, "object packed _ _ _"]:
        """Pack channels."""
        return rearrange(x, "b c (x i) (y j) (z k) -> b (c i j k) x y z", i=2, j=2, k=2)  # type: ignore[no-any-return]


def convolution(inputs: int, outputs: int, stride: int = 1) -> nn.Conv3d:
    """Build a convolution over 27 voxels."""
    return nn.Conv3d(inputs, outputs, 3, stride, padding=1)


def readout(width: int, outputs: int) -> list[nn.Module]:
    """Build norm, SiLU, convolution."""
    return [ChannelNorm(width), nn.SiLU(), convolution(width, outputs)]


def residual(width: int, count: int) -> list[nn.Module]:
    """Build `count` residual blocks."""
    return [ResidualBlock3d(width) for _ in range(count)]


def reconstruction_loss(
    decoded: Float[Tensor, "object field x y z"], grids: Float[Tensor, "object field x y z"], fields: Sequence[str]
) -> Float[Tensor, ""]:
    """Sum what each field is trained with: Dice + BCE for occupancy, mean |difference| for the truncated distance."""
    loss = decoded.new_zeros(())
    for predicted, true, field in zip(decoded.unbind(1), grids.unbind(1), fields, strict=True):
        if field == "occupancy":
            loss = loss + dice_loss(predicted, true) + F.binary_cross_entropy_with_logits(predicted, true)
        else:
            loss = loss + F.l1_loss(predicted, true)
    return loss


def dice_loss(logits: Float[Tensor, "object x y z"], occupancy: Float[Tensor, "object x y z"]) -> Float[Tensor, ""]:
    """Measure 1 - (2 sum p q + 1) / (sum p + sum q + 1) an object, with p = sigmoid(logits); mean over objects.

    Source: V-Net (arXiv 1606.04797) equation 2, without squares; the 1 keeps empty grids finite.
    """
    p, q = logits.sigmoid().flatten(1), occupancy.flatten(1)
    return (1 - (2 * (p * q).sum(1) + 1) / (p.sum(1) + q.sum(1) + 1)).mean()


def kl_divergence(
    mean: Float[Tensor, "object channel a b c"], log_variance: Float[Tensor, "object channel a b c"]
) -> Float[Tensor, ""]:
    """Measure KL(posterior || unit normal) = (mean^2 + variance - log variance - 1) / 2, mean over all elements."""
    return 0.5 * (mean.square() + log_variance.exp() - log_variance - 1).mean()
