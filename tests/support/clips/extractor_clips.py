"""Clips for tests of extractors, and what a module of a stock forward gives."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from einops import rearrange
from torch import Tensor, nn

from probes.clips.seeding import clip_generator


def clip(frames: int) -> Tensor:
    """Draw frames of noise, of a size that no model takes."""
    return torch.randint(0, 256, (frames, 3, 40, 60), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def pixels(video: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize frames and bring them to -1 to 1, channels before time, as an autoencoder takes them."""
    frames = torch.nn.functional.interpolate(video.float() / 255, size, mode="bicubic", antialias=True).clamp(0, 1)
    return 2 * rearrange(frames, "t c h w -> 1 c t h w") - 1


def noise(like: Tensor, seed: int) -> Tensor:
    """Draw the noise of an extractor whose first forward this is."""
    return torch.randn(like.shape, generator=clip_generator("/0", seed))


@contextmanager
def watched(module: nn.Module) -> Iterator[list[Any]]:
    """Record what a module gives."""
    found: list[Any] = []
    handle = module.register_forward_hook(lambda _module, _inputs, output: found.append(output))
    try:
        yield found
    finally:
        handle.remove()


def without_group_norms(autoencoder: nn.Module) -> nn.Module:
    """Take out the group normalisation, which mixes all frames of a clip a little; convolutions alone are causal."""
    for module in autoencoder.modules():
        for name, child in module.named_children():
            if isinstance(child, nn.GroupNorm):
                setattr(module, name, nn.Identity())
    return autoencoder


def first_changed_slot(encode: Any, frames: int, changed: int, size: tuple[int, int] = (32, 48)) -> int:
    """Say which is the first slot of latents that a change of one frame changes."""
    other = clip(frames).clone()
    other[changed] = 255 - other[changed]
    with torch.no_grad():
        one, two = (encode(pixels(video, size)) for video in (clip(frames), other))
    return int((one != two).sum((0, 1, 3, 4)).nonzero()[0])
