"""Sentences that a checkpoint was trained on, and the nearest of them to a question that it was not trained on.

A model whose language is a small grammar answers any sentence of known words, whatever it means. A template is a
sentence with its options, in which "..." stands for any word.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence

from models.sr3d.text.mentions import replace_mentions

_OPTIONS = re.compile(r"\s*\(A\) .*")
_PIECE = re.compile(r"<region>|\.\.\.|\w+|[^\w\s]")
_REGION, _ANY = "<region>", "..."


def nearest_questions(question: str, trained: Mapping[str, Sequence[str]], count: int = 3) -> list[str]:
    """Find the trained sentences nearest to a question that is none of them, one a category; [] if it is one.

    Numbers of regions and the words of options do not count; whether there are options, and whether they are regions,
    does. Nearest is the sentence that shares most words with the question, rare words counting most.
    """
    asked = _form(question)
    if any(_matches(asked, _form(template)) for templates in trained.values() for template in templates):
        return []
    everything = [set(_form(template)[0]) for templates in trained.values() for template in templates]
    seen = Counter(word for words in everything for word in words)

    def similarity(template: str) -> float:
        words, own = Counter(asked[0]), Counter(_form(template)[0])
        shared, either = (words & own), (words | own)
        weigh = {word: math.log((1 + len(everything)) / (1 + seen[word])) + 0.1 for word in either}
        common = sum(weigh[word] * times for word, times in shared.items())
        missed = sum(weigh[word] * times for word, times in (words - own).items())
        added = sum(weigh[word] * times for word, times in (own - words).items())
        return common / (common + missed + 0.25 * added)  # a longer sentence is nearer than one about something else

    best = [max(templates, key=similarity) for templates in trained.values() if templates]
    return sorted(best, key=similarity, reverse=True)[:count]


def _form(text: str) -> tuple[list[str], str]:
    """Split a question into the words of its sentence and the kind of its options: "", "regions" or "words"."""
    text = replace_mentions(text, f" {_REGION} ")
    options = _OPTIONS.search(text)
    sentence = text[: options.start()] if options else text
    kind = "" if options is None else "regions" if _REGION in options[0] else "words"
    return _PIECE.findall(sentence), kind


def _matches(asked: tuple[list[str], str], template: tuple[list[str], str]) -> bool:
    """Compare word by word; "..." in the template is any word."""
    (words, kind), (own, own_kind) = asked, template
    return (
        kind == own_kind
        and len(words) == len(own)
        and all(theirs in (_ANY, word) for word, theirs in zip(words, own, strict=True))
    )
