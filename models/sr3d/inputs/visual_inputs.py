"""The visual inputs of SR-3D: tiles, their points and times, cameras, scene scale and regions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from models.sr3d.config import SR3DConfig


@dataclass(frozen=True)
class VisualInputs:
    """What a batch shows beside its text; None for what it does not have.

    Tiles and regions are packed over the batch. The mentions say which of them each placeholder takes, in the order of
    the flattened `input_ids` (a tile has `num_vision_tokens` placeholders, row by row). Without `tile_mentions` every
    tile is taken once, in order.

    Args:
        pixel_values: normalised tiles or frames.
        features: what `encode_tiles` made of them, instead of pixels.
        depth_values: normalised depth pictures of the same tiles ("regiongpt").
        tile_mentions: tile of each group of `<image>` placeholders.
        points: canonical points, pooled to the token grid of each tile.
        points_valid: whether a point is known.
        seconds: timestamp of each tile.
        camera_centres: canonical camera centre for each frame of each row.
        camera_known: whether it is known.
        scene_scale: metres per canonical unit of each row.
        scale_known: whether it is known.
        region_masks: masks of regions on tiles.
        region_tile: tile of each mask.
        region_index: region of each mask.
        region_mentions: region of each `<region>` placeholder.
    """

    pixel_values: Float[Tensor, "tile 3 height width"] | None = None
    features: Float[Tensor, "tile rows cols channel"] | None = None
    depth_values: Float[Tensor, "tile 3 height width"] | None = None
    tile_mentions: Int64[Tensor, "tile_mention"] | None = None
    points: Float[Tensor, "tile fine_rows fine_cols 3"] | None = None
    points_valid: Bool[Tensor, "tile fine_rows fine_cols"] | None = None
    seconds: Float[Tensor, "tile"] | None = None
    camera_centres: Float[Tensor, "frame 3"] | None = None
    camera_known: Bool[Tensor, "frame"] | None = None
    scene_scale: Float[Tensor, "row"] | None = None
    scale_known: Bool[Tensor, "row"] | None = None
    region_masks: Bool[Tensor, "entry height width"] | None = None
    region_tile: Int64[Tensor, "entry"] | None = None
    region_index: Int64[Tensor, "entry"] | None = None
    region_mentions: Int64[Tensor, "region_mention"] | None = None

    @classmethod
    def split(cls, inputs: Mapping[str, Any]) -> tuple[VisualInputs, dict[str, Any]]:
        """Split the inputs of a model into the visual ones and the others."""
        visual = {name: value for name, value in inputs.items() if name in VISUAL_INPUTS}
        return cls(**visual), without_visual(inputs)

    def repeat_rows(self, input_ids: Int64[Tensor, "batch token"], times: int, config: SR3DConfig) -> VisualInputs:
        """Repeat what belongs to a row, `times` in a row, as the ids are repeated for beams."""
        assert self.tile_mentions is not None  # only a packed batch has none, which is not generated from

        def repeated(values: Tensor | None, placeholder: int, each: int = 1) -> Tensor | None:
            if values is None:
                return None
            counts = ((input_ids == placeholder).sum(1) // each).tolist()
            if sum(counts) != len(values):  # a model without that placeholder does not read them
                return values
            return torch.cat([part.repeat(times, *[1] * (part.ndim - 1)) for part in values.split(counts)])

        def by_row(values: Tensor | None) -> Tensor | None:
            return None if values is None else values.repeat_interleave(times, 0)

        return replace(
            self,
            tile_mentions=repeated(self.tile_mentions, config.image_token_id, config.token_grid**2),
            region_mentions=repeated(self.region_mentions, config.region_token_id),
            camera_centres=repeated(self.camera_centres, config.camera_token_id),
            camera_known=repeated(self.camera_known, config.camera_token_id),
            scene_scale=by_row(self.scene_scale),
            scale_known=by_row(self.scale_known),
        )


VISUAL_INPUTS = frozenset(field.name for field in fields(VisualInputs))


def without_visual(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Drop the visual inputs."""
    return {name: value for name, value in inputs.items() if name not in VISUAL_INPUTS}
