"""ScanQA, SQA3D and Scan2Cap: short answers and descriptions, compared with references word by word.

Exact match is that of Video-3D-LLM's evaluation (commit of `llava/eval`), which SR-3D's numbers follow; the cleaned
and the refined match are those of LEO (`evaluator/scanqa_eval.py`, commit 477dc44).
"""

from __future__ import annotations

import re

from benchmarks.metrics.text.rouge import rouge_l
from benchmarks.region_qa.answer_parser import Parsed
from benchmarks.region_qa.tasks.task import Item

_MISSPELT = "letf:left let:left tehre:there rigth:right rght:right behine:behind tv:TV chai:chair wasing:washing"
_WORDS = dict(pair.split(":") for pair in f"{_MISSPELT} waslked:walked oclock:o'clock none:zero".split())
_NUMBERS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty"
)
_PLAIN = _WORDS | {str(n): word for n, word in enumerate(_NUMBERS.split())} | {"23": "twenty-three"}
_REPLACED = re.compile(rf"\b({'|'.join(sorted(_PLAIN, key=len, reverse=True))})\b")
_FOREIGN = re.compile(r"[^a-zA-Z0-9,'\s\-:]+")
_ARTICLES = [re.compile(rf"\b{article}\b ([a-zA-Z]+)") for article in ("a", "an", "the")]


def clean_answer(text: str) -> str:
    """Write an answer as LEO compares it: lower case, few signs, mended spelling, numbers in words, no articles."""
    text = re.sub(" {2,}", " ", re.sub("^ +| +$", "", text.lower()))
    text = _FOREIGN.sub("", text)
    text = re.sub(r"\bo'[ ]+clock\b", "o'clock", _REPLACED.sub(lambda found: _PLAIN[found[1]], text))
    text = re.sub(r"\b([a-zA-Z]+)[0-9]\b", r"\1", text)  # "mat2"
    for article in _ARTICLES:
        text = article.sub(r"\1", text)
    return re.sub(r"\bbackwards\b", "backward", text)


def exact_match(item: Item, prediction: str, parsed: Parsed) -> float:
    """Score 1 where the answer is one of the references, character by character."""
    return float(prediction in item.references)


def clean_match(item: Item, prediction: str, parsed: Parsed) -> float:
    """Score 1 where the cleaned answer is one of the cleaned references."""
    return float(clean_answer(prediction) in map(clean_answer, item.references))


def refined_match(item: Item, prediction: str, parsed: Parsed) -> float:
    """Score 1 where the cleaned answer contains a cleaned reference, or is contained in one; blanks do not count.

    An empty answer scores 0 here; in the published code it is contained in every reference, and scores 1.
    """
    said, *truths = ("".join(clean_answer(text).split()) for text in (prediction, *item.references))
    return float(bool(said) and any(said in truth or truth in said for truth in truths))


def framed(description: str) -> str:
    """Write a description as Scan2Cap compares it: its signs apart, in lower case, between "sos" and "eos"."""
    return f"sos {description.replace('.', ' . ').replace(',', ' , ').lower()} eos"


def scan2cap_rouge_l(item: Item, prediction: str, parsed: Parsed) -> float:
    """Score a description by ROUGE-L against all descriptions of the object."""
    return rouge_l(framed(prediction), [framed(reference) for reference in item.references])
