"""The three kinds of question, and how each keeps the words of a question from giving its answer away.

Every kind makes its candidates once a clip (`pool`) and then draws from them without replacement.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Protocol, TypeAlias, TypeVar

from scenes.questions.facts import Facts
from scenes.questions.quantity import Unit, format_quantity
from scenes.questions.question import LETTERS, Question

Objects: TypeAlias = tuple[int, ...]
Draw: TypeAlias = Callable[[Random], Question | None]


class Category(Protocol):
    """One kind of question; `stems` are all its wordings."""

    @property
    def name(self) -> str:
        """The name under which it is scored."""

    @property
    def stems(self) -> tuple[str, ...]:
        """All wordings, options left out."""

    def pool(self, facts: Facts) -> Draw:
        """Collect what can be asked of one clip; each call of the result draws one question, None when it ran dry."""


def with_options(stem: str, options: tuple[str, ...]) -> str:
    """Write the options behind the question: "... (A) left (B) right"."""
    return " ".join([stem, *(f"({letter}) {option}" for letter, option in zip(LETTERS, options, strict=False))])


@dataclass(frozen=True)
class Comparison:
    """Which of two regions? The options are the regions themselves, so that a fair coin decides the letter.

    `candidates` gives (*references, winner, loser); references are numbered first in the text. `for_winner` are
    wordings that ask for the winner, `for_loser` (may be empty) those that ask for the other one.
    """

    name: str
    candidates: Callable[[Facts], list[Objects]]
    for_winner: tuple[str, ...]
    for_loser: tuple[str, ...] = ()

    @property
    def stems(self) -> tuple[str, ...]:
        """All wordings."""
        return self.for_winner + self.for_loser

    def pool(self, facts: Facts) -> Draw:
        """Collect the pairs that differ by more than the margin."""
        left = self.candidates(facts)

        def draw(rng: Random) -> Question | None:
            if not left:
                return None
            *references, winner, loser = take(left, rng)
            stem = rng.choice(self.stems)
            answer, other = (winner, loser) if stem in self.for_winner else (loser, winner)
            letter = rng.randrange(2)
            pair = (other, answer) if letter else (answer, other)
            options = (f"<region{len(references)}>", f"<region{len(references) + 1}>")
            text = with_options(stem, options)
            return Question(self.name, text, LETTERS[letter], options, (*references, *pair))

        return draw


@dataclass(frozen=True)
class Choice:
    """Which word? The options are words that are true of something in this clip, and each is asked for equally often.

    `candidates` gives word -> what the word is true of: objects, and the name that fills `{}` in the wording, if any.
    A word is drawn uniformly among those available, and only then an object: given the text, all options are
    equally likely, whatever the clips look like. A clip where only one word is true of anything is not asked.
    """

    name: str
    candidates: Callable[[Facts], dict[str, list[tuple[Objects, str]]]]
    stems: tuple[str, ...]

    def pool(self, facts: Facts) -> Draw:
        """Collect what each word is true of."""
        left = self.candidates(facts)

        def draw(rng: Random) -> Question | None:
            words = sorted(word for word, things in left.items() if things)
            if len(words) < 2:
                return None
            options = tuple(rng.sample(words, min(len(words), len(LETTERS))))
            letter = rng.randrange(len(options))
            objects, name = take(left[options[letter]], rng)
            text = with_options(rng.choice(self.stems).replace("{}", name), options)
            return Question(self.name, text, LETTERS[letter], options, objects)

        return draw


@dataclass(frozen=True)
class Measurement:
    """How much? A number with a unit; `candidates` gives (objects, value in `unit`), symmetric in the objects."""

    name: str
    candidates: Callable[[Facts], list[tuple[Objects, float]]]
    stems: tuple[str, ...]
    unit: Unit = "m"

    def pool(self, facts: Facts) -> Draw:
        """Collect what can be measured."""
        left = self.candidates(facts)

        def draw(rng: Random) -> Question | None:
            if not left:
                return None
            objects, value = take(left, rng)
            answer = format_quantity(value, self.unit)
            mentioned = tuple(rng.sample(objects, len(objects)))
            return Question(self.name, rng.choice(self.stems), answer, (), mentioned, value, self.unit)

        return draw


Item = TypeVar("Item")


def take(items: list[Item], rng: Random) -> Item:
    """Remove and return a random item, in constant time."""
    index = rng.randrange(len(items))
    items[index], items[-1] = items[-1], items[index]
    return items.pop()
