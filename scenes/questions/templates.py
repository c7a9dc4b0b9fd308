"""The sentences of the question grammar, as a checkpoint keeps those that it was trained on."""

from __future__ import annotations

from collections.abc import Sequence

from models.sr3d.text.mentions import mention, mentioned
from scenes.questions.ask import CATEGORIES
from scenes.questions.category import ChoiceQuestion, Comparison, with_options

WORD_OPTIONS = "(A) ... (B) ..."  # two words or more


def question_templates(categories: Sequence[str]) -> dict[str, list[str]]:
    """List the wordings of categories with their options; "..." stands for a word that a clip decides.

    Raises:
        ValueError: a category is unknown.
    """
    if unknown := [name for name in categories if name not in CATEGORIES]:
        raise ValueError(f"no question category {', '.join(unknown)}: choose among {', '.join(CATEGORIES)}")
    return {name: [_template(name, stem) for stem in CATEGORIES[name].stems] for name in categories}


def _template(name: str, stem: str) -> str:
    category = CATEGORIES[name]
    if isinstance(category, Comparison):
        first = max(mentioned(stem), default=-1) + 1
        return with_options(stem, (mention(first), mention(first + 1)))
    if isinstance(category, ChoiceQuestion):
        return f"{stem.replace('{}', '...')} {WORD_OPTIONS}"
    return stem
