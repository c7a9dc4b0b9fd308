"""Questions about worlds in words, and how often a region is the object that they name."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from benchmarks.regionize.item import Candidate, GroundedPhrase, Phrase, Regionized, VideoQuestion
from benchmarks.regionize.worlds import (
    OracleDetector,
    WorldQuestions,
    ask_in_words,
    mask_iou,
    outcome,
    shares,
)
from models.regions import tight_box
from scenes.readers.masks.coco import encode_mask
from scenes.worlds import WorldConfig


@pytest.fixture(scope="module")
def world() -> WorldQuestions:
    return ask_in_words(0, 5, WorldConfig(height=96, width=128, frames=2))


def named(world: WorldQuestions, words: str, index: int) -> GroundedPhrase:
    assert world.clip.truth is not None
    masks = world.clip.truth.instances == index + 1
    candidate = Candidate(0, tight_box(masks[0]), 1.0)
    codes = {t: encode_mask(mask.numpy()) for t, mask in enumerate(masks) if mask.any()}
    return GroundedPhrase(Phrase(words, ((0, 1),)), (candidate,), 0, codes)


def test_questions_name_their_objects_by_colour_and_kind(world: WorldQuestions) -> None:
    truth = world.clip.truth
    assert truth is not None
    assert world.asked
    for asked, objects in zip(world.asked, world.objects, strict=True):
        assert "<region" not in asked.question
        for words, index in objects.items():
            assert f"the {words}" in asked.question
            assert words == f"{truth.objects[index].colour} {truth.objects[index].family}"


def test_the_true_regions_are_right_and_others_are_not(world: WorldQuestions) -> None:
    truth = world.clip.truth
    assert truth is not None
    i, j, *_ = (k - 1 for k in truth.instances[0].unique().tolist() if k)
    first, second = "one thing", "another"
    objects = {first: i, second: j}
    true = Regionized(VideoQuestion("0", "w", "", ""), 2, (named(world, first, i), named(world, second, j)))
    swapped = replace(true, named=(named(world, first, j), named(world, second, i)))
    one = replace(true, named=(true.named[0], replace(true.named[1], dropped="not found")))
    for step in ("box", "mask where it was found", "masks of all frames"):
        assert outcome(true, objects, world.clip, step) == "right"
        assert outcome(swapped, objects, world.clip, step) == "wrong"
        assert outcome(one, objects, world.clip, step) == "partial"
        assert outcome(replace(true, dropped="no region"), objects, world.clip, step) == "dropped"
    assert mask_iou(true.named[0], i, world.clip) == 1.0


def test_the_detector_that_knows_the_objects_prefers_those_that_a_phrase_names(world: WorldQuestions) -> None:
    truth = world.clip.truth
    assert truth is not None
    find = OracleDetector(world.clip, jitter=0.0, missed=0.0)
    for k, each in enumerate(truth.objects):
        mask = truth.instances[0] == k + 1
        if mask.sum() < 4:
            continue
        found = find(world.clip.video[0], f"{each.colour} {each.family}")
        assert found[0].score > 0.7
        assert found[0].box in [
            tight_box(truth.instances[0] == n + 1)
            for n, other in enumerate(truth.objects)
            if (other.colour, other.family) == (each.colour, each.family) and (truth.instances[0] == n + 1).any()
        ]
    assert find(world.clip.video[0], "pink elephant") == []
    assert OracleDetector(world.clip, missed=1.0)(world.clip.video[0], f"{each.colour} {each.family}") == []


def test_shares_add_up_and_their_intervals_are_over_clips() -> None:
    found = dict(shares([("a", "right"), ("a", "right"), ("b", "wrong"), ("c", "dropped")]))
    assert [found[name].mean for name in ("right", "partial", "wrong", "dropped")] == [0.5, 0.0, 0.25, 0.25]
    assert found["right"].low == 0.0
    assert torch.isclose(torch.tensor(found["right"].high), torch.tensor(1.0))
