"""The three kinds of question, and how each keeps the words of a question from giving its answer away."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Protocol, TypeAlias, TypeVar

from scenes.questions.facts import Facts
from scenes.questions.quantity import Unit, format_quantity
from scenes.questions.question import LETTERS, Question

Item = TypeVar("Item")
Objects: TypeAlias = tuple[int, ...]
Named: TypeAlias = dict[str, list[tuple[Objects, str]]]  # word -> what it is true of: objects, and a name for the text


class Category(Protocol):
    """One kind of question; `stems` are all its wordings."""

    @property
    def name(self) -> str:
        """The name under which it is scored."""

    @property
    def stems(self) -> tuple[str, ...]:
        """All wordings, options left out."""

    def ask(self, facts: Facts, rng: Random) -> Iterator[Question]:
        """Draw different questions about one clip until there are no more."""


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
        """All wordings, options left out."""
        return self.for_winner + self.for_loser

    def ask(self, facts: Facts, rng: Random) -> Iterator[Question]:
        """Draw pairs that differ by more than the margin."""
        left = self.candidates(facts)
        while left:
            *references, winner, loser = take(left, rng)
            stem = rng.choice(self.stems)
            answer, other = (winner, loser) if stem in self.for_winner else (loser, winner)
            letter = rng.randrange(2)
            pair = (other, answer) if letter else (answer, other)
            options = (f"<region{len(references)}>", f"<region{len(references) + 1}>")
            yield Question(self.name, with_options(stem, options), LETTERS[letter], options, (*references, *pair))


@dataclass(frozen=True)
class Choice:
    """Which word? The options are words that are true of something in this clip, and each is asked for equally often.

    A word is drawn uniformly among those available, and only then something that it is true of: given the text, all
    options are equally likely, whatever the clips look like. A clip where only one word is true of anything is not
    asked. A name that comes with the objects fills `{}` in the wording. `kept`, where given, is the probability with
    which a candidate is kept at all: it balances the answers against a cue of the image.
    """

    name: str
    candidates: Callable[[Facts], Named]
    stems: tuple[str, ...]
    kept: Callable[[Facts, str, int], float] | None = None

    def ask(self, facts: Facts, rng: Random) -> Iterator[Question]:
        """Draw words and what they are true of."""
        left = self.candidates(facts)
        if self.kept is not None:
            left = {w: [t for t in things if rng.random() < self.kept(facts, w, t[0][0])] for w, things in left.items()}
        while len(words := sorted(word for word, things in left.items() if things)) >= 2:
            options = tuple(rng.sample(words, min(len(words), len(LETTERS))))
            letter = rng.randrange(len(options))
            objects, name = take(left[options[letter]], rng)
            text = with_options(rng.choice(self.stems).replace("{}", name), options)
            yield Question(self.name, text, LETTERS[letter], options, objects)


@dataclass(frozen=True)
class Measurement:
    """How much? A number with a unit; `candidates` gives (objects, value in `unit`), symmetric in the objects."""

    name: str
    candidates: Callable[[Facts], list[tuple[Objects, float]]]
    stems: tuple[str, ...]
    unit: Unit = "m"

    def ask(self, facts: Facts, rng: Random) -> Iterator[Question]:
        """Draw what can be measured."""
        left = self.candidates(facts)
        while left:
            objects, value = take(left, rng)
            answer = format_quantity(value, self.unit)
            mentioned = tuple(rng.sample(objects, len(objects)))
            yield Question(self.name, rng.choice(self.stems), answer, (), mentioned, value, self.unit)


def with_options(stem: str, options: tuple[str, ...]) -> str:
    """Write the options behind the question: "... (A) left (B) right"."""
    return " ".join([stem, *(f"({letter}) {option}" for letter, option in zip(LETTERS, options, strict=False))])


def take(items: list[Item], rng: Random) -> Item:
    """Remove and return a random item, in constant time."""
    index = rng.randrange(len(items))
    items[index], items[-1] = items[-1], items[index]
    return items.pop()
