"""Scoring of predictions: one parser and one score for all models."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks.metrics import ratio_accuracy
from benchmarks.records.record import Record
from benchmarks.region_qa.answer_parser import parse_answer
from benchmarks.region_qa.tasks.task import Item


def score_items(task: str, items: Sequence[Item], predictions: Sequence[str], arm: str, seed: int) -> list[Record]:
    """Parse and score one prediction per item: the right letter, or a number within a ratio of 1.25 of the truth."""
    return [score_item(task, item, prediction, arm, seed) for item, prediction in zip(items, predictions, strict=True)]


def score_item(task: str, item: Item, prediction: str, arm: str, seed: int) -> Record:
    """Parse and score one prediction; an unparsed answer scores 0, and its record has the reason."""
    question = item.question
    parsed = parse_answer(prediction, question.options, question.unit)
    if question.value is None:
        score = float(parsed.value == question.answer)
    else:
        number = parsed.value if isinstance(parsed.value, float) else np.nan
        score = float(ratio_accuracy(np.array(number), np.array(question.value)))
    return Record(
        task=task,
        item=item.name,
        cluster=item.cluster,
        arm=arm,
        seed=seed,
        metrics={"score": score},
        category=question.category,
        question=question.text,
        options=question.options,
        answer=question.answer,
        value=question.value,
        unit=question.unit,
        prediction=prediction,
        parsed=parsed.value,
        reason=parsed.reason,
    )
