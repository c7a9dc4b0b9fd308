"""Asking a model the questions of a task, batch by batch, in one process or in several, and going on after a stop."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice

from benchmarks.records.parts import Parts, Shard, append
from benchmarks.records.record import Record
from benchmarks.region_qa.scoring import score_items
from benchmarks.region_qa.tasks.media import Opener
from benchmarks.region_qa.tasks.task import Item, Task
from models.answerers.contract import Answers
from models.regions import OutOfView
from models.sr3d.answering import Query

BATCH = 64
UNSEEN = "unseen"  # fact of a record whose item was not asked, because no frame shows a region of it


def predict(
    answers: Answers, items: Iterable[Item], batch_size: int = BATCH, max_new_tokens: int | None = None
) -> Iterator[str]:
    """Answer items one after the other; the clips of one batch are in memory at a time."""
    opener = Opener()
    for batch in batches(items, batch_size):
        yield from (answer or "" for answer in answer_batch(answers, batch, opener, max_new_tokens))


def answer_batch(
    answers: Answers, items: Sequence[Item], opener: Opener, max_new_tokens: int | None = None
) -> Sequence[str | None]:
    """Open the items of one batch and answer them together; None for an item of which no frame shows a region."""
    queries = [query_of(item, opener) for item in items]
    asked = [query for query in queries if query is not None]
    said = iter(answers.answer(asked, len(asked), max_new_tokens) if asked else ())
    return [None if query is None else next(said) for query in queries]


def query_of(item: Item, opener: Opener) -> Query | None:
    """Open an item; None where no frame shows a region of it."""
    try:
        opened = opener.open(item.media, item.marks)
    except OutOfView:
        return None
    return Query(opened.clip, opened.regions, item.question.text)


def score_batch(
    task: str, items: Sequence[Item], predictions: Sequence[str | None], arm: str, seed: int
) -> list[Record]:
    """Score the answers of a batch; an item that was not asked is scored as an empty answer, and says so."""
    records = score_items(task, items, [prediction or "" for prediction in predictions], arm, seed)
    return [
        record if prediction is not None else replace(record, facts={**record.facts, UNSEEN: True})
        for record, prediction in zip(records, predictions, strict=True)
    ]


def answer_shard(
    task: Task,
    answers: Callable[[], Answers],
    parts: Parts,
    shard: Shard,
    *,
    arm: str,
    seed: int = 0,
    batch_size: int = BATCH,
    max_new_tokens: int | None = None,
    limit: int | None = None,
    answered: Callable[[int], None] = lambda count: None,
) -> int:
    """Answer the batches of one shard that are missing, and append each to its part; return the number of all batches.

    A batch is the same `batch_size` items whoever answers it, so that neither a stop nor the number of shards changes
    what is asked together.

    Args:
        task: items.
        answers: opens the model; called only where a batch is missing.
        parts: where batches are appended.
        shard: which batches are asked.
        arm: name of the model in the records.
        seed: seed of its training.
        batch_size: items that are answered together.
        max_new_tokens: longest answer.
        limit: first items that are asked; all without it.
        answered: called with the number of items of every batch that is done.
    """
    done, opener, model, count = parts.answered(), Opener(), None, 0
    with parts.writing(shard) as file:
        for number, batch in enumerate(batches(islice(task.items(), limit), batch_size)):
            count = number + 1
            if not shard.takes(number):
                continue
            if number not in done:
                model = model or answers()
                predictions = answer_batch(model, batch, opener, max_new_tokens)
                append(file, number, score_batch(task.name, batch, predictions, arm, seed))
            answered(len(batch))
    return count


def batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Cut a stream of items into lists of `size`; the last one may be shorter."""
    stream = iter(items)
    while batch := list(islice(stream, size)):
        yield batch
