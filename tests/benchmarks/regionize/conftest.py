"""A question about two squares, and a detector that knows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
import torch

from benchmarks.regionize.item import VideoQuestion
from models.detectors import Detection
from tests.support.clips.squares import GREEN, RED

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
