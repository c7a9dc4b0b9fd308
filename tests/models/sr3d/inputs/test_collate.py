"""Batches of samples: packed, or one row a question."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from models.regions import RegionMasks
from models.sr3d.inputs.collate import collate_text, collate_visuals
from models.sr3d.inputs.sample import Sample

IGNORED, PAD = -100, 0


def ids(*values: int) -> Tensor:
    return torch.tensor(values, dtype=torch.long)


def sample(first: int, tiles: int, regions: int, questions: int) -> Sample:
    """A sample whose ids are `first` and up: a prefix of two, then questions of two and answers of one."""
    masks = RegionMasks(
        torch.ones(regions, 2, 2, dtype=torch.bool),
        torch.arange(regions) % tiles,
        torch.arange(regions),
        tuple(f"region {k}" for k in range(regions)),
    )
    start = [first + 2 + 3 * q for q in range(questions)]
    return Sample(
        pixels=torch.full((tiles, 3, 2, 2), first, dtype=torch.uint8),
        points=torch.zeros(tiles, 1, 1, 3),
        points_valid=torch.ones(tiles, 1, 1, dtype=torch.bool),
        seconds=torch.arange(float(tiles)),
        camera_centres=torch.full((tiles, 3), float(first)),
        camera_known=torch.ones(tiles, dtype=torch.bool),
        scale=float(first),
        shift=(0.0, 0.0, 0.0),
        regions=masks,
        prefix=ids(first, first + 1),
        questions=tuple(ids(s, s + 1) for s in start),
        mentions=tuple(ids(q % regions) for q in range(questions)),
        answers=tuple(ids(s + 2) for s in start),
    )


TWO = [sample(10, tiles=2, regions=2, questions=2), sample(50, tiles=1, regions=1, questions=1)]


def test_packed_rows_have_all_questions_of_a_sample_as_segments() -> None:
    batch, owner = collate_text(TWO, packed=True, pad_side="right", pad_id=PAD)
    assert owner.tolist() == [0, 1]
    assert batch["input_ids"].tolist() == [[10, 11, 12, 13, 14, 15, 16, 17], [50, 51, 52, 53, 54, PAD, PAD, PAD]]
    assert batch["segment_ids"].tolist() == [[0, 0, 1, 1, 1, 2, 2, 2], [0, 0, 1, 1, 1, -1, -1, -1]]
    assert batch["labels"][0].tolist() == [IGNORED] * 4 + [14, IGNORED, IGNORED, 17]
    assert "attention_mask" not in batch


def test_rows_of_one_question_repeat_the_prefix_and_are_padded_on_the_side_asked_for() -> None:
    longer = [replace(TWO[0], questions=(ids(12, 13), ids(15)))]
    batch, owner = collate_text(longer, packed=False, pad_side="left", pad_id=PAD)
    assert owner.tolist() == [0, 0]
    assert batch["input_ids"].tolist() == [[10, 11, 12, 13, 14], [PAD, 10, 11, 15, 17]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1, 1, 1], [0, 1, 1, 1, 1]]
    assert batch["labels"].tolist() == [[IGNORED] * 4 + [14], [IGNORED] * 4 + [17]]


def test_samples_without_answers_have_no_labels() -> None:
    batch, _ = collate_text([replace(TWO[1], answers=None)], packed=True, pad_side="right", pad_id=PAD)
    assert batch["input_ids"].tolist() == [[50, 51, 52, 53]]
    assert "labels" not in batch


def test_tiles_and_regions_are_packed_once_and_numbered_over_the_batch() -> None:
    batch = collate_visuals(TWO, ids(0, 1), True, (0.0,) * 3, (0.5,) * 3)
    torch.testing.assert_close(batch["pixel_values"][:, 0, 0, 0], torch.tensor([10.0, 10, 50]) / 255 / 0.5)
    assert batch["region_tile"].tolist() == [0, 1, 2]
    assert batch["region_index"].tolist() == [0, 1, 2]
    assert batch["region_mentions"].tolist() == [0, 1, 2]
    assert batch["scene_scale"].tolist() == [10, 50]
    assert batch["seconds"].tolist() == [0, 1, 0]
    assert "tile_mentions" not in batch


def test_rows_of_one_question_take_the_tiles_and_cameras_of_their_sample() -> None:
    batch = collate_visuals(TWO, ids(0, 0, 1), False, (0.0,) * 3, (1.0,) * 3)
    assert batch["tile_mentions"].tolist() == [0, 1, 0, 1, 2]
    assert batch["camera_centres"][:, 0].tolist() == [10, 10, 10, 10, 50]
    assert batch["scene_scale"].tolist() == [10, 10, 50]
    assert len(batch["pixel_values"]) == 3


def test_an_unknown_scale_is_one_and_marked() -> None:
    batch = collate_visuals([replace(TWO[0], scale=None), TWO[1]], ids(0, 1), True, (0.0,) * 3, (1.0,) * 3)
    assert batch["scene_scale"].tolist() == [1, 50]
    assert batch["scale_known"].tolist() == [False, True]


def test_timestamps_are_for_all_samples_or_none() -> None:
    untimed = [replace(one, seconds=None) for one in TWO]
    assert "seconds" not in collate_visuals(untimed, ids(0, 1), True, (0.0,) * 3, (1.0,) * 3)
    with pytest.raises(ValueError, match="1 of 2 samples have timestamps: give `seconds` for all or none"):
        collate_visuals([untimed[0], TWO[1]], ids(0, 1), True, (0.0,) * 3, (1.0,) * 3)
