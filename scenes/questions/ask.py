"""Draw questions of many categories from the truth of one clip."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import torch

from models.regions import Region
from scenes.clip import Clip
from scenes.questions.category import Category
from scenes.questions.dynamic import DYNAMIC
from scenes.questions.facts import Facts
from scenes.questions.question import Question
from scenes.questions.static import STATIC

CATEGORIES: dict[str, Category] = {category.name: category for category in (*STATIC, *DYNAMIC)}


def ask_about(
    clip: Clip,
    generator: torch.Generator,
    *,
    categories: Sequence[str] = tuple(CATEGORIES),
    per_category: int | None = None,
    total: int | None = None,
) -> list[Question]:
    """Draw different questions about one clip; the same generator state gives the same questions.

    Each round draws one question of every category, in a random order, until there are `per_category` of each or
    `total` in all (1 of each by default). Categories that the clip cannot answer, or not any more, are skipped: the
    result may be shorter, but no question is wrong or ambiguous.

    Raises:
        ValueError: A category is unknown, both counts are given, or the clip lacks truth.
    """
    if unknown := [name for name in categories if name not in CATEGORIES]:
        raise ValueError(f"no question category {', '.join(unknown)}: choose among {', '.join(CATEGORIES)}")
    if per_category is not None and total is not None:
        raise ValueError(f"per_category={per_category} and total={total} exclude each other; give one of them")
    rounds = per_category if per_category is not None else (1 if total is None else total)
    wanted = rounds * len(categories) if total is None else total
    rng = Random(int(torch.randint(2**62, (), generator=generator)))
    facts = Facts.of(clip)
    asking = [CATEGORIES[name].ask(facts, rng) for name in rng.sample(list(categories), len(categories))]
    questions: list[Question] = []
    for _ in range(rounds):
        drawn = [(more, question) for more in asking if (question := next(more, None)) is not None]
        asking = [more for more, _ in drawn]
        questions += [question for _, question in drawn]
        if not asking or len(questions) >= wanted:
            break
    return questions[:wanted]


def region_of(clip: Clip, index: int) -> Region:
    """Mark an object by its exact masks in every frame that shows it.

    Raises:
        ValueError: The clip has no truth, or no frame shows the object.
    """
    if clip.truth is None:
        raise ValueError(f"cannot mark object {index}: clip {clip.name or '(unnamed)'} has no truth")
    masks = clip.truth.instances == index + 1
    frames = torch.nonzero(masks.flatten(1).any(1)).flatten().tolist()
    obj = clip.truth.objects[index]
    return Region({frame: masks[frame] for frame in frames}, f"{obj.colour} {obj.family}")
