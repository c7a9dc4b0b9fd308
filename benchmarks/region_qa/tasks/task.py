"""The interface of a benchmark: items, which are questions about regions of clips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from models.regions import Region
from scenes import Clip
from scenes.questions import Question


@dataclass(frozen=True)
class Item:
    """One question about one clip. Items of a `cluster` (a clip, a room) are dependent and are resampled together."""

    name: str
    cluster: str
    clip: Clip
    regions: Sequence[Region]
    question: Question


class Task(Protocol):
    """A named list of items; all tasks share one scoring (benchmarks.region_qa.scoring).

    `about` describes the questions in a report; `pace` is the factor on the timestamps of the clips (1.0: true ones).
    """

    name: str
    about: str
    pace: float

    def items(self) -> Sequence[Item]:
        """List the items, the same every time."""
        ...
