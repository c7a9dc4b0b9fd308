"""A benchmark of somebody else: questions about blank clips, and a model that knows half of the answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import torch

from benchmarks.region_qa.tasks.media import BoxMark
from benchmarks.region_qa.tasks.task import Item, Task
from models.queries.query import Query
from scenes.clip import Clip
from scenes.questions import Question


@dataclass(frozen=True)
class BlankClip:
    """A clip that is made when it is read; `reads` lists the clips that were."""

    number: int
    side: int = 16
    reads: list[int] = field(default_factory=list, compare=False)

    def read(self) -> Clip:
        self.reads.append(self.number)
        return Clip(torch.zeros(1, 3, self.side, self.side, dtype=torch.uint8), torch.zeros(1), name=f"{self.number}")


@dataclass
class BlankTask(Task):
    """Two questions a clip, of categories that are not ours."""

    clips: int
    side: int = 16
    name: str = "blank"
    about: str = "Blank clips."
    pace: float = 1.0
    reads: list[int] = field(default_factory=list)

    def items(self) -> Iterator[Item]:
        for number in range(self.clips):
            media = BlankClip(number, self.side, self.reads)
            letter = Question("sofas", f"Which of {number}? (A) <region0> (B) none", "A", ("<region0>", "none"))
            count = Question("sofa counting", f"How many in {number}?", "2", value=2.0)
            yield Item(f"{number}/a", f"{number}", media, [BoxMark((1, 1, 9, 9))], letter)
            yield Item(f"{number}/b", f"{number}", media, [], count, ("mra", "accuracy"))


class HalfRight:
    """Says A to everything, and remembers what it was asked together."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []

    def answer(
        self, queries: Sequence[Query], batch_size: int = 64, max_new_tokens: int | None = None
    ) -> Iterator[str]:
        self.batches.append([query.text for query in queries])
        return iter(["A"] * len(queries))
