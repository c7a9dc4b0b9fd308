"""Phrases of a question that name things: by rule, or as a language model says."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import torch

from benchmarks.regionize.item import Phrase, Span
from models.answerers.contract import Answers
from models.queries.query import Query
from scenes.clip import Clip

FindPhrases = Callable[[str], Sequence[Phrase]]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


ARTICLES = _words(
    """
    the a an this that these those his her its their my your our
    """
)
# words that end a phrase, beside punctuation; a rule has no grammar, so common verbs are listed
ENDS = _words(
    """
    about above across after against along and any are around as at away back backward backwards be become been
    before began begin behind being below beneath beside between beyond both but by can change changed changes
    close closer come comes compared could cross crosses did do does doing down during each enter enters face
    faces fall falls far farther faster follow follows for forward forwards from get gets go goes had has have
    he her him how if in inside into is it its just keep keeps larger leave leaves left-most less look looks
    lower make makes may more move moved moves moving nearer near next not now of off on once onto or out
    outside over overtake overtakes past pass passes relative remain remains right-most roll rolls rotate
    rotates run runs same she should slide slides slower smaller spin spins stand stands start starts stay stays
    stop stops taller than that the their them then there these they this those through to toward towards travel
    travels turn turns under until up upon was wearing went were what when where which while who whose why will
    with within without would you
    """
)
# nouns that name nothing to mark
ABSTRACT = _words(
    """
    amount angle answer axis background beginning bottom camera camera's case center centre clip colour color
    course degrees depth difference direction directions displacement distance duration edge end event following
    foreground frame frames front ground-truth height interval kind length letter meters metres middle moment
    motion movement number observer one ones option options orientation order other others path perspective
    picture picture's place point position question rear rest right left scene second seconds shape side size
    speed start state time times top total trajectory type velocity video viewer viewpoint way width word
    """
)
LONGEST = 5  # words of a phrase without its article
_WORD = re.compile(r"[^\W\d_](?:[^\W\d_]|['’\u0300-\u036f-])*|\d+|[^\w\s]")  # accents may be marks of their own
PROMPT = (
    "List the physical things that this question names, such as objects, people and animals, in its own words and "
    "separated by semicolons. Question: {}"
)


def phrases_by_rule(question: str) -> list[Phrase]:
    """Find noun phrases with an article: up to five words, until punctuation or a word that ends a phrase.

    A word in -ing or -ed ends a phrase unless it follows the article. Things without an article ("Person 1"), verbs
    that are not listed and nested phrases are beyond the rule. The same words are one thing.
    """
    words = list(_WORD.finditer(question))
    found: dict[str, list[Span]] = {}
    for number, article in enumerate(words):
        if article[0].lower() not in ARTICLES:
            continue
        held: list[re.Match[str]] = []
        for word in words[number + 1 : number + 1 + LONGEST]:
            text = word[0].lower()
            if not text[0].isalnum() or text in ENDS or (held and re.search(r"(ing|ed)$", text)):
                break
            held.append(word)
        if held and held[-1][0].lower() not in ABSTRACT:
            key = " ".join(word[0] for word in held).lower()
            found.setdefault(key, []).append((article.start(), held[-1].end()))
    return [Phrase(key, tuple(spans)) for key, spans in found.items()]


def phrases_by_model(answers: Answers) -> FindPhrases:
    """Find phrases as a language model lists them; what it says in other words than the question's is left out."""

    def find(question: str) -> list[Phrase]:
        unseen = Clip(torch.zeros(1, 3, 1, 1, dtype=torch.uint8), torch.zeros(1))
        (said,) = answers.answer([Query(unseen, [], PROMPT.format(question))])
        return listed_phrases(question, said)

    return find


def listed_phrases(question: str, said: str) -> list[Phrase]:
    """Locate the things of a list, separated by semicolons or lines, in a question; longer ones take their words."""
    article = rf"(?:\b(?:{'|'.join(sorted(ARTICLES))})\s+)?"
    things = {re.sub(rf"^{article}", "", each.strip(" .*-\t"), flags=re.I).lower() for each in re.split(r"[;\n]", said)}
    taken: list[Span] = []
    found = []
    for words in sorted(things - {""}, key=len, reverse=True):
        spans = [
            match.span()
            for match in re.finditer(rf"{article}\b{re.escape(words)}\b", question, re.I)
            if not any(start < match.end() and match.start() < end for start, end in taken)
        ]
        if spans:
            taken += spans
            found.append(Phrase(words, tuple(spans)))
    return sorted(found, key=lambda phrase: phrase.spans[0])
