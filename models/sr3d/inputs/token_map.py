"""Maps every visual token of a sequence to its frame, row and column."""

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
    """Map visual tokens to frame, row and column; `hidden[map.sample, map.position]` are their hidden states.

    Other tokens may separate the frames, where the contiguous slice of 4D-RGPT's code would drift.
    """
    visual = input_ids == config.image_token_id
    sample, position = visual.nonzero(as_tuple=True)
    order = (visual.cumsum(1) - 1)[sample, position]  # among the visual tokens of the sample
    side = config.token_grid
    tile, cell = order // side**2, order % side**2
    row, col = cell // side, cell % side
    if config.projector == "downsample_2x2_columns":
        row, col = col, row
    return TokenMap(sample, position, tile, row, col)
