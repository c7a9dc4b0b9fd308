"""The three kinds of question, each balanced so that the words of a question do not predict its answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Protocol, TypeAlias, TypeVar

from models.sr3d.text.mentions import mention
from scenes.questions.facts import Facts
from scenes.questions.quantity import Unit, format_quantity
from scenes.questions.question import LETTERS, Question

Item = TypeVar("Item")
Objects: TypeAlias = tuple[int, ...]
Named: TypeAlias = dict[str, list[tuple[Objects, str]]]  # word -> (objects, name) that it is true of


class Category(Protocol):
    """One category of questions."""

    @property
    def name(self) -> str:
        """The name under which its questions are scored."""

    @property
    def stems(self) -> tuple[str, ...]:
        """All wordings, without options."""

    def ask(self, facts: Facts, rng: Random) -> Iterator[Question]:
        """Draw different questions about one clip, as many as it allows."""


@dataclass(frozen=True)
class Comparison:
    """A question for one of two regions. The options are the regions, in random order, so that letters are balanced.

    `candidates` lists (*references, winner, loser); references are numbered first in the text. `for_winner` are the
    wordings whose answer is the winner, `for_loser` (may be empty) those whose answer is the loser.
    """

    name: str
    candidates: Callable[[Facts], list[Objects]]
    for_winner: tuple[str, ...]
    for_loser: tuple[str, ...] = ()

    @property
    def stems(self) -> tuple[str, ...]:
        """All wordings, without options."""
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
            options = (mention(len(references)), mention(len(references) + 1))
            yield Question(self.name, with_options(stem, options), LETTERS[letter], options, (*references, *pair))


@dataclass(frozen=True)
class ChoiceQuestion:
    """A question for a word. The options are words that are true of something in this clip, each equally likely.

    First a word is drawn uniformly, then something that it is true of: given the text, all options are equally likely
    in any set of clips. A clip where fewer than two words are true of anything gives no question. The name of the
    objects replaces `{}` in the wording. `kept` is the probability of keeping a candidate (None: 1); it balances the
    answers against a cue of the image.
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
    """A question for a number with a unit; `candidates` lists (objects, value in `unit`), symmetric in the objects."""

    name: str
    candidates: Callable[[Facts], list[tuple[Objects, float]]]
    stems: tuple[str, ...]
    unit: Unit = "m"

    def ask(self, facts: Facts, rng: Random) -> Iterator[Question]:
        """Draw objects and their measurement."""
        left = self.candidates(facts)
        while left:
            objects, value = take(left, rng)
            answer = format_quantity(value, self.unit)
            mentioned = tuple(rng.sample(objects, len(objects)))
            yield Question(self.name, rng.choice(self.stems), answer, (), mentioned, value, self.unit)


def with_options(stem: str, options: tuple[str, ...]) -> str:
    """Append the options to the question: "... (A) left (B) right"."""
    return " ".join([stem, *(f"({letter}) {option}" for letter, option in zip(LETTERS, options, strict=False))])


def take(items: list[Item], rng: Random) -> Item:
    """Remove and return a random item, in constant time."""
    index = rng.randrange(len(items))
    items[index], items[-1] = items[-1], items[index]
    return items.pop()
