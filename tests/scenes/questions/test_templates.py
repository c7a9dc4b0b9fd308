"""The templates of categories hold every question that the categories ask."""

from __future__ import annotations

import pytest
import torch

from models.sr3d.text.mentions import renumber
from models.sr3d.text.trained_questions import nearest_questions
from scenes.questions import CATEGORIES, ask_about, question_templates
from scenes.worlds import WorldConfig, make_world, render


def test_every_question_about_worlds_is_an_instance_of_a_template_of_its_category() -> None:
    asked = set()
    config = WorldConfig(frames=6, motion=True)
    for clip in render([make_world(seed, config) for seed in range(8)], "cpu"):
        for question in ask_about(clip, torch.Generator().manual_seed(0), per_category=2):
            text = renumber(question.text, [3, 1, 4, 0][: len(question.objects)])
            assert nearest_questions(text, question_templates([question.category])) == [], question.text
            asked.add(question.category)
    assert len(asked) > 0.9 * len(CATEGORIES)


def test_a_question_of_another_category_is_no_instance() -> None:
    for name in CATEGORIES:
        others = question_templates([other for other in CATEGORIES if other != name])
        for template in question_templates([name])[name]:
            assert nearest_questions(template, others), template


def test_a_category_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="no question category smell"):
        question_templates(["smell"])
