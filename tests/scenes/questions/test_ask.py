"""Asking: determinism, coverage of the grammar, errors."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
import torch

from scenes.questions import CATEGORIES, LETTERS, ask_about, grammar_texts, region_of
from tests.support.clips.toy_clips import toy_clip

CLIPS = [toy_clip(seed, frames=5, moving=seed % 2 == 1) for seed in range(24)]


def ask(clip, seed=0, **kwargs):
    return ask_about(clip, torch.Generator().manual_seed(seed), **kwargs)


def test_the_same_seed_asks_the_same_questions_and_another_seed_others():
    assert ask(CLIPS[1], 3, total=27) == ask(CLIPS[1], 3, total=27)
    assert ask(CLIPS[1], 3, total=27) != ask(CLIPS[1], 4, total=27)


def test_every_category_is_asked_of_some_clip():
    assert {q.category for clip in CLIPS for q in ask(clip)} == set(CATEGORIES)


def test_a_clip_is_never_asked_the_same_twice():
    for clip in CLIPS:
        asked = [(q.category, q.objects, q.text) for q in ask(clip, total=300)]
        named = [key for key in asked if not key[0].startswith("count")]
        assert len(named) == len(set(named))


def test_per_category_asks_at_most_that_many_of_each():
    counts = [sum(q.category == name for q in ask(CLIPS[1], per_category=3)) for name in CATEGORIES]
    assert max(counts) == 3


def test_total_asks_as_many_and_spreads_them_over_the_categories():
    questions = ask(CLIPS[0], categories=["nearer_camera", "distance", "higher"], total=9)
    assert [sum(q.category == c for q in questions) for c in ("nearer_camera", "distance", "higher")] == [3, 3, 3]


def test_the_grammar_holds_every_word_of_every_question_and_answer_and_stays_small():
    words = {word for text in grammar_texts() for word in text.replace("?", " ?").split()}
    assert len(words) < 500
    for clip in CLIPS:
        for question in ask(clip, total=60):
            assert set(f"{question.text} {question.answer}".replace("?", " ?").split()) <= words


def test_regions_are_numbered_without_gaps_and_all_mentioned():
    for clip in CLIPS:
        for question in ask(clip, total=60):
            mentioned = {int(k) for k in re.findall(r"<region(\d+)>", question.text)}
            assert mentioned == set(range(len(question.objects)))


def test_the_answer_is_one_of_the_options_that_the_text_lists():
    for question in (q for clip in CLIPS for q in ask(clip)):
        if question.options:
            listed = [f"({letter}) {option}" for letter, option in zip(LETTERS, question.options, strict=False)]
            assert question.text.endswith(" ".join(listed))
            assert question.answer in LETTERS[: len(question.options)]
            assert question.chance == 1 / len(question.options)
        else:
            assert question.answer.endswith(f" {question.unit}")
            assert question.chance is None


def test_an_unknown_category_is_named_with_the_choices():
    with pytest.raises(ValueError, match="no question category nearest: choose among nearer_camera"):
        ask(CLIPS[0], categories=["nearest"])


def test_two_counts_exclude_each_other():
    with pytest.raises(ValueError, match="exclude each other"):
        ask(CLIPS[0], per_category=1, total=2)


def test_a_clip_without_truth_says_what_is_needed():
    with pytest.raises(ValueError, match=r"questions need a clip with truth.*scenes\.worlds"):
        ask(replace(CLIPS[0], truth=None))
    with pytest.raises(ValueError, match="cannot mark object 0"):
        region_of(replace(CLIPS[0], truth=None), 0)


def test_a_region_marks_the_pixels_of_its_object_on_the_frames_that_show_it():
    clip = CLIPS[0]
    index = next(q.objects[0] for q in ask(clip, categories=["depth"]))
    masks = region_of(clip, index).masks
    for frame in range(len(clip)):
        mask = clip.truth.instances[frame] == index + 1
        assert torch.equal(masks[frame], mask) if mask.any() else frame not in masks
