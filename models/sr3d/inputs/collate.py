"""Batches of prepared samples, packed or one row a question."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from jaxtyping import Int64
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from models.sr3d.inputs.sample import Sample
from models.sr3d.model import IGNORED

PadSide = Literal["left", "right"]


def collate_text(
    samples: Sequence[Sample], packed: bool, pad_side: PadSide, pad_id: int
) -> tuple[dict[str, Tensor], Int64[Tensor, "row"]]:
    """Lay out the ids: one row a sample when packed, else one row a question; and say which sample each row is of."""
    ids: list[Tensor] = []
    labels: list[Tensor] = []
    segments: list[Tensor] = []
    owner: list[int] = []
    for number, sample in enumerate(samples):
        prefix = sample.prefix
        answers = sample.answers or (prefix[:0],) * len(sample.questions)
        pairs = list(zip(sample.questions, answers, strict=True))
        for row in [pairs] if packed else [[pair] for pair in pairs]:
            parts = [prefix, *(part for pair in row for part in pair)]
            hidden = [torch.full_like(prefix, IGNORED)]
            number_of = [torch.zeros_like(prefix)]
            for segment, (question, answer) in enumerate(row, start=1):
                hidden += [torch.full_like(question, IGNORED), answer]
                number_of.append(torch.full((len(question) + len(answer),), segment))
            ids.append(torch.cat(parts))
            labels.append(torch.cat(hidden))
            segments.append(torch.cat(number_of))
            owner.append(number)

    def padded(rows: list[Tensor], value: int) -> Tensor:
        return pad_sequence(rows, batch_first=True, padding_value=value, padding_side=pad_side)

    batch = {"input_ids": padded(ids, pad_id)}
    if packed:
        batch["segment_ids"] = padded(segments, -1)
    else:
        batch["attention_mask"] = padded([torch.ones_like(row) for row in ids], 0)
    if samples[0].answers is not None:
        batch["labels"] = padded(labels, IGNORED)
    return batch, torch.tensor(owner)


def collate_visuals(
    samples: Sequence[Sample], owner: Int64[Tensor, "row"], packed: bool, mean: Sequence[float], std: Sequence[float]
) -> dict[str, Tensor]:
    """Pack tiles and regions of all samples, once each, and list which of them the placeholders of every row take.

    Samples of text alone add nothing; without any other there are no visual inputs. Raises ValueError where only some
    of the samples have timestamps, or a depth picture.
    """
    seen = [len(sample.pixels) > 0 for sample in samples]
    if not any(seen):
        return {}
    tiles = torch.tensor([len(sample.pixels) for sample in samples])
    first_tile = tiles.cumsum(0) - tiles
    rows = owner.tolist()
    batch = {
        "pixel_values": _normalised([sample.pixels for sample in samples], mean, std),
        "points": torch.cat([sample.points for sample in samples]),
        "points_valid": torch.cat([sample.points_valid for sample in samples]),
        "camera_centres": torch.cat([samples[row].camera_centres for row in rows]),
        "camera_known": torch.cat([samples[row].camera_known for row in rows]),
        "scene_scale": torch.tensor([samples[row].scale or 1.0 for row in rows if seen[row]]),
        "scale_known": torch.tensor([samples[row].scale is not None for row in rows if seen[row]]),
        **collate_regions(samples, mean, std),
    }
    if not packed:
        batch["tile_mentions"] = torch.cat([first_tile[row] + torch.arange(int(tiles[row])) for row in rows])
    seconds = [sample.seconds for sample in samples if sample.seconds is not None]
    if seconds:
        if len(seconds) < sum(seen):
            raise ValueError(f"{len(seconds)} of {sum(seen)} samples have timestamps: give `seconds` for all or none")
        batch["seconds"] = torch.cat(seconds)
    return batch


def collate_regions(samples: Sequence[Sample], mean: Sequence[float], std: Sequence[float]) -> dict[str, Tensor]:
    """Pack the regions of all samples, and list which of them the placeholders of every question take.

    Depth pictures go with them: only region tokens read those. Raises ValueError where only some of the samples have
    depth.
    """
    tiles = torch.tensor([len(sample.pixels) for sample in samples])
    regions = torch.tensor([len(sample.regions.names) for sample in samples])
    first_tile, first_region = tiles.cumsum(0) - tiles, regions.cumsum(0) - regions
    mentions = [m + first for s, first in zip(samples, first_region, strict=True) for m in s.mentions]
    batch = {
        "region_masks": torch.cat([sample.regions.masks for sample in samples]),
        "region_tile": torch.cat([s.regions.tile + first for s, first in zip(samples, first_tile, strict=True)]),
        "region_index": torch.cat([s.regions.region + first for s, first in zip(samples, first_region, strict=True)]),
        "region_mentions": torch.cat([torch.zeros(0, dtype=torch.long), *mentions]),
    }
    depths = [sample.depth_pixels for sample in samples if sample.depth_pixels is not None]
    if depths:
        seen = sum(len(sample.pixels) > 0 for sample in samples)
        if len(depths) < seen:
            raise ValueError(f"{len(depths)} of {seen} samples have depth: give `points` for all or none")
        batch["depth_values"] = _normalised(depths, mean, std)
    return batch


def _normalised(tiles: Sequence[Tensor], mean: Sequence[float], std: Sequence[float]) -> Tensor:
    return (torch.cat(list(tiles)).float() / 255 - _channels(mean)) / _channels(std)


def _channels(values: Sequence[float]) -> Tensor:
    return torch.tensor(values)[:, None, None]
