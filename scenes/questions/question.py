"""One question about regions of a clip, and its exact answer."""

from __future__ import annotations

from dataclasses import dataclass

from models.sr3d.text.mentions import mentioned

LETTERS = ("A", "B", "C", "D")


@dataclass(frozen=True)
class Question:
    """A question, as a model reads it, with the answer that a model should write.

    `text` mentions `<region0>`, `<region1>`, ...; `objects[k]` is the truth object behind `<region k>`. A multiple
    choice question lists its `options` in its text and `answer` is the letter of the true one. A numeric question has
    no options; `value` is the exact truth in `unit`, and `answer` that value with two significant digits and the unit.
    """

    category: str
    text: str
    answer: str
    options: tuple[str, ...] = ()
    objects: tuple[int, ...] = ()
    value: float | None = None
    unit: str = ""

    @property
    def spoken(self) -> str:
        """The answer in words: the true option where options are words ("red"), else `answer` ("B", "1.4 m")."""
        if not self.options or mentioned(self.options[0]):
            return self.answer
        return self.options[LETTERS.index(self.answer)]

    @property
    def chance(self) -> float | None:
        """Accuracy of blind guessing; None for a numeric question, which has no such floor."""
        return 1 / len(self.options) if self.options else None
