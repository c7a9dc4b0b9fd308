"""A question before and after: what its phrases name, where that was found, and what was dropped and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from models.regions import Box

Span = tuple[int, int]  # first and last (exclusive) character of a question


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
    def from_json(cls, fields: Any) -> Regionized:
        """Read what `to_json` gave.

        Raises:
            ValueError: it is something else.
        """
        try:
            asked = dict(fields["asked"])
            options = tuple(map(_text, asked.pop("options")))
            question = VideoQuestion(**{name: _text(value) for name, value in asked.items()}, options=options)
            named = tuple(map(_grounded, fields["named"]))
            return cls(question, _count(fields["frames"]), named, _text(fields["dropped"]))
        except KeyError as error:
            raise ValueError(f"it has no {error}") from error
        except (AttributeError, TypeError, ArithmeticError) as error:
            raise ValueError(str(error)) from error


def _grounded(fields: Any) -> GroundedPhrase:
    spans = tuple((_count(start), _count(end)) for start, end in fields["phrase"]["spans"])
    phrase = Phrase(_text(fields["phrase"]["words"]), spans)
    found = tuple(
        Candidate(_count(each["frame"]), box_of(each["box"]), float(each["score"])) for each in fields["candidates"]
    )
    masks = {int(frame): dict(code) for frame, code in fields["masks"].items()}
    chosen = fields["chosen"]
    if chosen is not None and _count(chosen) >= len(found):
        raise ValueError(f"candidate {chosen} is chosen of {len(found)}")
    return GroundedPhrase(phrase, found, chosen, masks, _text(fields["dropped"]))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"a text is needed, got {value!r:.60}")
    return value


def _count(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError(f"a count is needed, got {value!r:.60}")
    return value


def box_of(values: Any) -> Box:
    """Read a box.

    Raises:
        ValueError: it has not four numbers.
    """
    if (
        not isinstance(values, Sequence)
        or len(values) != 4
        or not all(isinstance(value, int | float) for value in values)
    ):
        raise ValueError(f"a box is x0, y0, x1, y1 in pixels; got {values}")
    x0, y0, x1, y1 = map(float, values)
    return x0, y0, x1, y1
