"""From a question and a clip to regions; what is dropped says why."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from benchmarks.regionize.item import Regionized
from benchmarks.regionize.phrases import phrases_by_rule
from benchmarks.regionize.pipeline import Steps, regionize
from models.detectors import Detection
from models.segmenters import ColourSegmenter
from scenes.readers.masks.coco import draw_segmentation
from tests.benchmarks.regionize.conftest import ASKED, Finder
from tests.support.clips.squares import GREEN, RED, squares


def steps(finder: Finder) -> Steps:
    return Steps(phrases_by_rule, finder, ColourSegmenter())


def test_things_are_found_segmented_followed_and_mentioned(finder: Finder) -> None:
    item = regionize(ASKED, squares(), steps(finder))
    assert item.question() == "How far is <region0> from <region1>?"
    assert item.question("<obj_{}>", first=1) == "How far is <obj_1> from <obj_2>?"
    red, green = item.regions
    assert list(red.masks) == [0, 1, 2]
    assert draw_segmentation(red.masks[0], 48, 64)[8:20, 8:20].all()
    assert draw_segmentation(red.masks[0], 48, 64).sum() == 144
    assert draw_segmentation(green.masks[2], 48, 64)[26:38, 42:54].all()
    assert Regionized.from_json(item.to_json()) == item


def test_a_phrase_without_a_thing_keeps_its_words(finder: Finder) -> None:
    asked = replace(ASKED, question="Is the red square above the blue moon?")
    item = regionize(asked, squares(), steps(finder))
    assert item.question() == "Is <region0> above the blue moon?"
    assert [each.dropped for each in item.named] == ["", "not found"]


def test_two_things_alike_are_ambiguous_and_both_are_kept_to_choose_from(finder: Finder) -> None:
    finder.found["red square"] = [[Detection(RED, 0.9), Detection(GREEN, 0.85)]] * 3
    item = regionize(replace(ASKED, question="Does the red square move?"), squares(), steps(finder))
    (red,) = item.named
    assert red.dropped == "ambiguous: 2 similar objects"
    assert len(red.candidates) == 2
    assert item.regions == []
    assert item.dropped == "no region (red square: ambiguous: 2 similar objects)"


def test_two_boxes_of_one_thing_are_not_ambiguous(finder: Finder) -> None:
    finder.found["red square"] = [[Detection(RED, 0.9), Detection((8.0, 8.0, 20.0, 21.0), 0.88)]] * 3
    assert len(regionize(ASKED, squares(), steps(finder)).regions) == 2


def test_a_better_frame_is_waited_for(finder: Finder) -> None:
    finder.found["red square"] = [[Detection(GREEN, 0.3)], [], [Detection(RED, 0.9)]]
    red = regionize(ASKED, squares(), steps(finder)).regions[0]
    assert (red.candidates[0].frame, red.candidates[0].box) == (2, RED)


def test_two_phrases_of_one_thing_leave_the_better_one(finder: Finder) -> None:
    finder.found["green square"] = [[Detection(RED, 0.6)]] * 3
    item = regionize(ASKED, squares(), steps(finder))
    assert [each.dropped for each in item.named] == ["", "same thing: 'red square'"]


@pytest.mark.parametrize("question", ["Is it moving?", "What is the direction of the camera?"])
def test_a_question_that_names_nothing_is_dropped(finder: Finder, question: str) -> None:
    item = regionize(replace(ASKED, question=question), squares(), steps(finder))
    assert item.dropped == "no phrase names a thing"
    assert finder.asked == []


def test_a_segmenter_without_a_mask_drops_the_phrase(finder: Finder) -> None:
    class Blind(ColourSegmenter):
        def __call__(self, video: torch.Tensor, prompts: list) -> list:
            return [replace(each, masks={}) for each in super().__call__(video, prompts)]

    item = regionize(ASKED, squares(), Steps(phrases_by_rule, finder, Blind()))
    assert {each.dropped for each in item.named} == {"nothing segmented"}
