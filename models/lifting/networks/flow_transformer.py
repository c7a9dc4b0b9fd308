"""The geometry model: velocities of shape and layout tokens, by two transformers that share their attention one way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple, cast

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from models.encoders.sincos import sincos
from models.heads.block import mlp
from models.lifting.networks.pose_encoding import LAYOUT

Latents = Mapping[str, Float[Tensor, "object _ _"]]  # "shape", and the keys of LAYOUT: (object, token, channel)
FREQUENCIES = 128  # of the time embedding, sine and cosine each


class FlowTransformer(nn.Module):
    """Predict the velocity of each latent from noisy latents, their time, and the condition.

    A mixture of transformers: a stream of shape tokens and a stream of three layout tokens, each with its own weights
    throughout. Shape queries attend to shape tokens alone; layout queries attend to both, with detached keys and values
    of the shape. The layout therefore never changes the shape, and no gradient of the layout reaches a weight of the
    shape stream: `layout` can be trained further while shape outputs stay bit-equal. The published model shares the
    time embedding and its modulation between the streams; here each stream has its own, so that this holds for every
    weight.
    Source: SAM 3D, specs/sam3d.md 2.2; time runs from 0 (noise) to 1 (data).

    Args:
        side: tokens along an axis of the shape latent, side^3 in all.
        shape_channels: channels of a shape token.
        width: channels of a token inside the streams.
        depth: blocks.
        heads: attention heads.
        context_width: channels of the condition's tokens.
        layout_width: channels of a token inside the layout stream, outside of its attention; None for `width`, as
            published. Fewer suffice for three tokens.
    """

    def __init__(
        self,
        *,
        side: int = 8,
        shape_channels: int = 8,
        width: int = 128,
        depth: int = 6,
        heads: int = 4,
        context_width: int = 128,
        layout_width: int | None = None,
    ) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"width {width} is not a multiple of {heads} heads; choose one that is")
        inner = {"depth": depth, "heads": heads, "context_width": context_width, "attention_width": width}
        self.shape = Stream({"shape": shape_channels}, sincos_3d(side, width), **inner)
        self.layout = Stream(LAYOUT, nn.Parameter(0.02 * torch.randn(len(LAYOUT), layout_width or width)), **inner)
        self.token_shapes = {"shape": (side**3, shape_channels), **{key: (1, size) for key, size in LAYOUT.items()}}

    def forward(
        self,
        latents: Latents,
        time: Float[Tensor, "object"],
        step: Float[Tensor, "object"],
        context: Float[Tensor, "object token channel"],
    ) -> dict[str, Float[Tensor, "object _ _"]]:
        """Predict velocities.

        Args:
            latents: noisy latents at `time`.
            time: 0 (noise) to 1 (data).
            step: size of the jump that the velocity is for; 0 for the instantaneous velocity.
            context: tokens of the condition.
        """
        shape, layout = self.shape.embed(latents), self.layout.embed(latents)
        when_shape, when_layout = (stream.when(time, step) for stream in (self.shape, self.layout))
        pairs = zip(self.shape.blocks, self.layout.blocks, strict=True)
        for of_shape, of_layout in cast("Iterable[tuple[StreamBlock, StreamBlock]]", pairs):
            shape_attention, shape_mlp = of_shape.modulation(when_shape)
            layout_attention, layout_mlp = of_layout.modulation(when_layout)
            query, key, value = of_shape.project(shape, shape_attention)
            layout_query, *layout_key_value = of_layout.project(layout, layout_attention)
            # the asymmetry: layout reads detached shape, shape never reads layout
            keys, values = (
                torch.cat([of_layout_tokens, of_shape_tokens.detach()], 2)
                for of_layout_tokens, of_shape_tokens in zip(layout_key_value, (key, value), strict=True)
            )
            attended = F.scaled_dot_product_attention(query, key, value)
            shape = of_shape.finish(shape, attended, shape_attention.gate, shape_mlp, context)
            attended = F.scaled_dot_product_attention(layout_query, keys, values)
            layout = of_layout.finish(layout, attended, layout_attention.gate, layout_mlp, context)
        return self.shape.read(shape) | self.layout.read(layout)


class Stream(nn.Module):
    """The weights of one stream: embeddings of its latents and of time, blocks, and read-outs that start at zero.

    `place`, the positional encoding of its tokens, is added to them: learned where it is a parameter, fixed otherwise.
    """

    place: Tensor

    def __init__(
        self,
        sizes: Mapping[str, int],
        place: Float[Tensor, "token width"],
        depth: int,
        heads: int,
        context_width: int,
        attention_width: int,
    ) -> None:
        super().__init__()
        width = place.shape[-1]
        if isinstance(place, nn.Parameter):
            self.place = place
        else:
            self.register_buffer("place", place, persistent=False)
        self.inputs = nn.ModuleDict({key: nn.Linear(size, width) for key, size in sizes.items()})
        self.time, self.step = (mlp(2 * FREQUENCIES, width, width) for _ in range(2))
        self.blocks = nn.ModuleList([StreamBlock(width, attention_width, heads, context_width) for _ in range(depth)])
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.outputs = nn.ModuleDict({key: zero(nn.Linear(width, size)) for key, size in sizes.items()})

    def embed(self, latents: Latents) -> Float[Tensor, "object token width"]:
        """Embed the latents of this stream and concatenate their tokens."""
        return torch.cat([layer(latents[key]) for key, layer in self.inputs.items()], 1) + self.place

    def when(self, time: Float[Tensor, "object"], step: Float[Tensor, "object"]) -> Float[Tensor, "object width"]:
        """Embed time and step, both scaled by 1000 as published."""
        return self.time(embed_number(1000 * time)) + self.step(embed_number(1000 * step))  # type: ignore[no-any-return]

    def read(self, tokens: Float[Tensor, "object token width"]) -> dict[str, Float[Tensor, "object _ _"]]:
        """Project tokens to the velocity of each latent."""
        normed, layers = self.norm(tokens), dict(self.outputs.items())
        if len(layers) == 1:
            return {key: layer(normed) for key, layer in layers.items()}
        return {key: layer(normed[:, k : k + 1]) for k, (key, layer) in enumerate(layers.items())}


class Modulation(NamedTuple):
    """Shift and scale of the input of a layer, and gate of its output; each (object, 1, width)."""

    shift: Tensor
    scale: Tensor
    gate: Tensor

    def __call__(self, normed: Tensor) -> Tensor:
        """Modulate normalised tokens."""
        return normed * (1 + self.scale) + self.shift


class StreamBlock(nn.Module):
    """One stream's part of a block: modulated self-attention, cross-attention to the condition, modulated MLP."""

    def __init__(self, width: int, attention_width: int, heads: int, context_width: int) -> None:
        super().__init__()
        self.heads = heads
        self.modulate = nn.Sequential(nn.SiLU(), zero(nn.Linear(width, 6 * width)))
        self.norm1, self.norm3 = (nn.LayerNorm(width, elementwise_affine=False) for _ in range(2))
        self.norm2 = nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * attention_width), nn.Linear(attention_width, width)
        self.query_norm, self.key_norm = (HeadNorm(attention_width // heads) for _ in range(2))
        self.cross = CrossAttention(width, context_width, heads)
        self.mlp = mlp(width, 4 * width, width)

    def modulation(self, when: Float[Tensor, "object width"]) -> tuple[Modulation, Modulation]:
        """Compute the modulation of the attention and of the MLP (adaLN of DiT, arXiv 2212.09748)."""
        parts = self.modulate(when)[:, None].chunk(6, -1)
        return Modulation(*parts[:3]), Modulation(*parts[3:])

    def project(self, tokens: Tensor, modulation: Modulation) -> tuple[Tensor, Tensor, Tensor]:
        """Project tokens to queries, keys and values of (object, head, token, channel)."""
        modulated = modulation(self.norm1(tokens))
        query, key, value = rearrange(self.qkv(modulated), "b t (k h d) -> k b h t d", k=3, h=self.heads)
        return self.query_norm(query), self.key_norm(key), value

    def finish(
        self, tokens: Tensor, attended: Tensor, attention_gate: Tensor, mlp_modulation: Modulation, context: Tensor
    ) -> Tensor:
        """Apply gated self-attention output, cross-attention, and the gated MLP."""
        tokens = tokens + attention_gate * self.out(rearrange(attended, "b h t d -> b t (h d)"))
        tokens = tokens + self.cross(self.norm2(tokens), context)
        return tokens + mlp_modulation.gate * self.mlp(mlp_modulation(self.norm3(tokens)))  # type: ignore[no-any-return]


class HeadNorm(nn.RMSNorm):
    """Normalise the channels of a head; the weight is cast to the input's type, because mixed types are not fused."""

    def forward(self, x: Float[Tensor, "*batch channel"]) -> Float[Tensor, "*batch channel"]:
        """Apply RMS norm along the last axis."""
        assert self.weight is not None
        return F.rms_norm(x, self.normalized_shape, self.weight.to(x), self.eps)


class CrossAttention(nn.Module):
    """Attend from tokens to context."""

    def __init__(self, width: int, context_width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key_value = nn.Linear(width, width), nn.Linear(context_width, 2 * width)
        self.out = nn.Linear(width, width)

    def forward(
        self, tokens: Float[Tensor, "object token width"], context: Float[Tensor, "object source channel"]
    ) -> Float[Tensor, "object token width"]:
        """Attend to the context."""
        query = rearrange(self.query(tokens), "b t (h d) -> b h t d", h=self.heads)
        key, value = rearrange(self.key_value(context), "b t (k h d) -> k b h t d", k=2, h=self.heads)
        attended = F.scaled_dot_product_attention(query, key, value)
        output: Tensor = self.out(rearrange(attended, "b h t d -> b t (h d)"))
        return output


def embed_number(value: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch channel"]:
    """Embed numbers by sine and cosine of FREQUENCIES angular frequencies from 1 down to 1/10000."""
    exponent = torch.arange(FREQUENCIES, device=value.device, dtype=torch.float32) / FREQUENCIES
    angle = value[..., None].float() * 10000**-exponent
    return torch.cat([angle.cos(), angle.sin()], -1).to(value)


def sincos_3d(side: int, width: int) -> Float[Tensor, "token width"]:
    """Embed the position of each token of a cubic grid, in the order (x, y, z); the last width % 6 channels are 0."""
    axis = sincos(torch.arange(side), 2 * (width // 6))
    x, y, z = (index.flatten() for index in torch.meshgrid(*3 * [torch.arange(side)], indexing="ij"))
    return F.pad(torch.cat([axis[x], axis[y], axis[z]], -1), (0, width % 6))


def zero(layer: nn.Linear) -> nn.Linear:
    """Initialise a layer to zero."""
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer
