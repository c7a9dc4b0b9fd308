"""Where distillation enters a student: at which layer, and at the tokens of frames or of regions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal, get_args

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from models.sr3d import SR3DForConditionalGeneration
from models.sr3d.config import SR3DConfig
from models.sr3d.inputs.token_map import token_map

VISION = "vision"
Layer = int | Literal["vision"]
Tokens = Literal["visual", "region", "both"]


def check_place(layer: Layer, tokens: Tokens, model: SR3DForConditionalGeneration) -> None:
    """Refuse a place that a student lacks.

    Raises:
        ValueError: the layer is neither "vision" nor a hidden state of the language model, or no such tokens exist.
    """
    if tokens not in (kinds := get_args(Tokens)):
        raise ValueError(f"student_tokens={tokens}: choose one of {', '.join(kinds)}")
    depth = model.config.text_config.get_text_config().num_hidden_layers
    if layer != VISION and (isinstance(layer, str) or not -depth - 1 <= layer <= depth):
        raise ValueError(
            f"student_layer={layer}: choose vision (features before the projector), 0 (its output), a layer of the "
            f"language model from 1 to {depth}, or -1 (the last one, as published)"
        )


@contextmanager
def watched_features(model: SR3DForConditionalGeneration) -> Iterator[list[Tensor]]:
    """Collect the vision features (tile, row, column, channel) that reach the projector, once a forward."""
    features: list[Tensor] = []
    handle = model.projector.register_forward_pre_hook(lambda _, inputs: features.append(inputs[0]))
    try:
        yield features
    finally:
        handle.remove()


def frame_states(
    features: Float[Tensor, "tile rows cols channel"], input_ids: Int64[Tensor, "batch token"], config: SR3DConfig
) -> list[Float[Tensor, "time rows cols channel"]]:
    """Split vision features by row of the batch, in which they lie as their placeholders do; one tile a frame."""
    tokens = (input_ids == config.image_token_id).sum(1)
    return list(features.split((tokens // config.token_grid**2).tolist()))


def stacked(states: list[Float[Tensor, "_ rows cols channel"]]) -> Float[Tensor, "batch time rows cols channel"]:
    """Stack the states of clips.

    Raises:
        ValueError: the clips differ in their number of frames.
    """
    if len(lengths := sorted({len(one) for one in states})) > 1:
        raise ValueError(
            f"the clips of one batch have {lengths} frames; distillation needs the number of frames that the teacher "
            "takes"
        )
    return torch.stack(states)


def visual_states(
    hidden: Float[Tensor, "batch token channel"], input_ids: Int64[Tensor, "batch token"], config: SR3DConfig
) -> Float[Tensor, "batch time rows cols channel"]:
    """Collect the hidden states at visual tokens by frame, row and column, with any tokens between the frames.

    Raises:
        ValueError: the clips of the batch differ in their number of frames.
    """
    place = token_map(input_ids, config)
    counts = torch.bincount(place.sample, minlength=len(input_ids)) // config.token_grid**2
    side = config.token_grid
    states = hidden.new_zeros(len(input_ids), int(counts.max()), side, side, hidden.shape[-1])
    index = (place.sample, place.tile, place.row, place.col)
    filled = states.index_put(index, hidden[place.sample, place.position])
    return stacked([one[:count] for one, count in zip(filled, counts.tolist(), strict=True)])


def region_states(
    hidden: Float[Tensor, "batch token channel"], input_ids: Int64[Tensor, "batch token"], config: SR3DConfig
) -> tuple[Float[Tensor, "region_mention channel"], Int64[Tensor, "region_mention"]]:
    """Collect the hidden states at region tokens in the order of their mentions, and the row of each."""
    row, position = (input_ids == config.region_token_id).nonzero(as_tuple=True)
    return hidden[row, position], row


def tiles_before(inputs: Mapping[str, Any], config: SR3DConfig) -> Int64[Tensor, "batch"]:
    """Count the tiles of all earlier rows of a batch."""
    tiles = (inputs["input_ids"] == config.image_token_id).sum(1) // config.token_grid**2
    before: Tensor = tiles.cumsum(0) - tiles
    return before
