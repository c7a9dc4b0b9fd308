"""Rotary positions of CogVideoX 1.0, as its pipeline prepares them, with the frame rate of Aether."""

from __future__ import annotations

from typing import Any

import torch
from diffusers.models.embeddings import get_1d_rotary_pos_embed
from diffusers.pipelines.cogvideo.pipeline_cogvideox import get_resize_crop_region_for_grid
from einops import repeat
from jaxtyping import Float
from torch import Tensor


def rotary_positions(
    config: Any, grid: tuple[int, int, int], time_scale: float, device: torch.device
) -> tuple[Float[Tensor, "token channel"], Float[Tensor, "token channel"]]:
    """Give cosines and sines: a quarter of a head's channels for time, three eighths each for rows and columns.

    Rows and columns are those of the largest centred region of the trained grid that has the aspect ratio of this one.

    Args:
        config: of the transformer.
        grid: slots, rows and columns.
        time_scale: positions in time are multiplied by it (1 for CogVideoX, 12 / frames per second for Aether).
        device: of the result.
    """
    slots, rows, cols = grid
    patch, head = config.patch_size, config.attention_head_dim
    trained = (config.sample_width // patch, config.sample_height // patch)
    start, stop = get_resize_crop_region_for_grid((rows, cols), *trained)
    positions: tuple[Any, ...] = (
        torch.arange(slots) * time_scale,
        torch.linspace(start[0], stop[0] * (rows - 1) / rows, rows),
        torch.linspace(start[1], stop[1] * (cols - 1) / cols, cols),
    )
    widths = (head // 4, head // 8 * 3, head // 8 * 3)
    along = [get_1d_rotary_pos_embed(d, x.to(device), use_real=True) for d, x in zip(widths, positions, strict=True)]
    patterns = ("s d -> (s r c) d", "r d -> (s r c) d", "c d -> (s r c) d")
    cos, sin = (
        torch.cat([repeat(axis[k], p, s=slots, r=rows, c=cols) for axis, p in zip(along, patterns, strict=True)], -1)
        for k in (0, 1)
    )
    return cos, sin
