"""The texts that a tokenizer learns hold every word that a question or an answer can use."""

from __future__ import annotations

import re

import torch

from scenes.questions import CATEGORIES, ask_about
from scenes.questions.grammar import grammar_texts
from tests.support.clips.toy_clips import toy_clip

WORD = re.compile(r"<region\d+>|[\w.]+|[^\w\s]")


def words(text: str) -> set[str]:
    return set(WORD.findall(text))


def test_every_word_of_questions_about_clips_is_in_the_grammar() -> None:
    known = set().union(*map(words, grammar_texts()))
    generator = torch.Generator().manual_seed(0)
    asked = [q for seed in range(8) for q in ask_about(toy_clip(seed, moving=True), generator, total=24)]
    assert {question.category for question in asked} == set(CATEGORIES)
    for question in asked:
        assert words(question.text) | words(question.spoken) <= known, question


def test_no_text_has_a_gap_that_is_not_filled() -> None:
    texts = grammar_texts()
    assert not [text for text in texts if "{" in text]
    assert {"0.05 m", "12 m/s", "360 degrees"} <= set(texts)
