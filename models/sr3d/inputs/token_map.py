"""Which visual token of a sequence is which place of which frame."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Int64
from torch import Tensor

from models.sr3d.config import SR3DConfig


@dataclass(frozen=True)
class TokenMap:
    """Every visual token of a batch: its sample, its position in the sequence, its tile (a video's frame), row, col."""

    sample: Int64[Tensor, "visual_token"]
    position: Int64[Tensor, "visual_token"]
    tile: Int64[Tensor, "visual_token"]
    row: Int64[Tensor, "visual_token"]
    col: Int64[Tensor, "visual_token"]


def token_map(input_ids: Int64[Tensor, "batch token"], config: SR3DConfig) -> TokenMap:
    """Map visual tokens to places, whatever stands between the frames: `hidden[map.sample, map.position]` are theirs.

    The slice of one contiguous block in 4D-RGPT's code would drift where separators stand between frames.
    """
    visual = input_ids == config.image_token_id
    sample, position = visual.nonzero(as_tuple=True)
    order = (visual.cumsum(1) - 1)[sample, position]  # among the visual tokens of the sample
    side = config.token_grid
    tile, cell = order // side**2, order % side**2
    return TokenMap(sample, position, tile, cell // side, cell % side)
