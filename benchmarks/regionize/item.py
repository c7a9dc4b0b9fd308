"""A question before and after: what its phrases name, where that was found, and what was dropped and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

Span = tuple[int, int]  # first and last (exclusive) character of a question
Box = tuple[float, float, float, float]  # x0, y0, x1, y1 in pixels


@dataclass(frozen=True)
class VideoQuestion:
    """A question about a video, without regions. `answer` is a letter, a text or a number as the source writes it."""

    name: str
    video: str
    question: str
    answer: str
    options: tuple[str, ...] = ()
    category: str = ""


@dataclass(frozen=True)
class Phrase:
    """Words of a question that name a thing, and all places where it stands, with its article."""

    words: str
    spans: tuple[Span, ...]


@dataclass(frozen=True)
class Candidate:
    """A thing that a detector found: frame (counted among those that were read), box and score."""

    frame: int
    box: Box
    score: float


@dataclass(frozen=True)
class GroundedPhrase:
    """A phrase with everything that was found for it.

    Args:
        phrase: the words.
        candidates: what was found, the highest score first.
        chosen: which of them is followed; None for none.
        masks: run-length codes of COCO by frame.
        dropped: why there is no region; empty where there is one.
    """

    phrase: Phrase
    candidates: tuple[Candidate, ...] = ()
    chosen: int | None = None
    masks: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    dropped: str = ""


@dataclass(frozen=True)
class Regionized:
    """A question with its regions; `dropped` says why it is not used, and `frames` how many frames were read."""

    asked: VideoQuestion
    frames: int
    named: tuple[GroundedPhrase, ...] = ()
    dropped: str = ""

    @property
    def regions(self) -> list[GroundedPhrase]:
        """The phrases that have a region, in the order of their numbers."""
        return [] if self.dropped else [each for each in self.named if not each.dropped]

    def question(self, mention: str = "<region{}>", first: int = 0) -> str:
        """Write the question with mentions in place of the phrases that have a region."""
        text = self.asked.question
        spans = [(span, mention.format(first + k)) for k, each in enumerate(self.regions) for span in each.phrase.spans]
        for (start, end), said in sorted(spans, reverse=True):
            text = text[:start] + said + text[end:]
        return text

    def to_json(self) -> dict[str, Any]:
        """Give everything as JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Regionized:
        """Read what `to_json` gave."""
        asked = VideoQuestion(**{**fields["asked"], "options": tuple(fields["asked"]["options"])})
        return cls(asked, fields["frames"], tuple(map(_named, fields["named"])), fields["dropped"])


def _named(fields: Mapping[str, Any]) -> GroundedPhrase:
    phrase = Phrase(fields["phrase"]["words"], tuple((start, end) for start, end in fields["phrase"]["spans"]))
    found = tuple(Candidate(each["frame"], box_of(each["box"]), each["score"]) for each in fields["candidates"])
    masks = {int(frame): code for frame, code in dict(fields["masks"]).items()}
    return GroundedPhrase(phrase, found, fields["chosen"], masks, fields["dropped"])


def box_of(values: Sequence[Any]) -> Box:
    """Read a box.

    Raises:
        ValueError: it has not four numbers.
    """
    if len(values) != 4 or not all(isinstance(value, int | float) for value in values):
        raise ValueError(f"a box is x0, y0, x1, y1 in pixels; got {values}")
    x0, y0, x1, y1 = map(float, values)
    return x0, y0, x1, y1
