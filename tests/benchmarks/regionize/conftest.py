"""A question about two squares, and a detector that knows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest
import torch

from benchmarks.regionize.item import Regionized, VideoQuestion
from benchmarks.regionize.phrases import phrases_by_rule
from benchmarks.regionize.pipeline import Steps, regionize
from models.detectors import Detection
from models.segmenters import ColourSegmenter
from tests.support.clips.squares import GREEN, RED, squares

ASKED = VideoQuestion("q/0", "a", "How far is the red square from the green square?", "2 m", category="distance")


@dataclass
class Finder:
    """Finds what it is told, by words and place of the call."""

    found: dict[str, list[Sequence[Detection]]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def __call__(self, image: torch.Tensor, phrase: str) -> Sequence[Detection]:
        number = self.asked.count(phrase)
        self.asked.append(phrase)
        frames = self.found.get(phrase, [])
        return frames[number % 3] if frames else []


@pytest.fixture
def finder() -> Finder:
    return Finder({"red square": [[Detection(RED, 0.9)]] * 3, "green square": [[Detection(GREEN, 0.8)]] * 3})


@pytest.fixture
def items(finder: Finder) -> list[Regionized]:
    """An item that is right, one whose only phrase is ambiguous, and one that names nothing."""
    finder.found["square"] = [[Detection(RED, 0.5), Detection(GREEN, 0.5)]] * 3
    questions = [
        ASKED,
        replace(ASKED, name="1", question="Does the square move?"),
        replace(ASKED, name="2", question="?"),
    ]
    steps = Steps(phrases_by_rule, finder, ColourSegmenter())
    return [regionize(asked, squares(), steps) for asked in questions]
