"""Scoring of predictions: one parser for all models, and the metrics that each item names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from benchmarks.records.record import Fact, Record
from benchmarks.region_qa.item_metrics import metric_named, read_answer
from benchmarks.region_qa.tasks.media import path_within
from benchmarks.region_qa.tasks.task import ACCURACY, Item


def score_items(task: str, items: Iterable[Item], predictions: Sequence[str], arm: str, seed: int) -> list[Record]:
    """Parse and score one prediction per item."""
    return [score_item(task, item, prediction, arm, seed) for item, prediction in zip(items, predictions, strict=True)]


def score_item(task: str, item: Item, prediction: str, arm: str, seed: int) -> Record:
    """Parse and score one prediction.

    The first metric of the item is its `score`; the others have their own names. A record whose score is not the
    accuracy says so in its fact `metric`; its fact `media` names footage of a downloaded benchmark. An answer that our
    parser cannot read has a reason. A record lacks a further metric that leaves its answer out.

    Raises:
        ValueError: the item names a metric that does not exist.
    """
    question = item.question
    parsed = read_answer(item, prediction)
    names = ("score", *item.metrics[1:])
    scores = [metric_named(name)(item, prediction, parsed) for name in item.metrics]
    return Record(
        task=task,
        item=item.name,
        cluster=item.cluster,
        arm=arm,
        seed=seed,
        metrics={name: score for name, score in zip(names, scores, strict=True) if score is not None},
        facts={**item.facts, **facts_of(item)},
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


def facts_of(item: Item) -> dict[str, Fact]:
    """Say by what an item is scored, unless by accuracy, and where its footage is within a downloaded benchmark."""
    metric, media = item.metrics[0], path_within(item.media)
    facts: dict[str, Fact] = {} if metric == ACCURACY[0] else {"metric": metric}
    return facts | ({"media": media} if media else {})
