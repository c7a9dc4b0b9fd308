"""Asking a model the questions of a task, batch by batch, in one process or in several, and going on after a stop."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from benchmarks.records.parts import Parts, Shard, append
from benchmarks.records.record import Fact, Record
from benchmarks.region_qa.scoring import score_items
from benchmarks.region_qa.tasks.media import BOXED, Opener
from benchmarks.region_qa.tasks.task import Item, Task
from models.answerers.contract import Answers
from models.answerers.vocabulary import unknown_words
from models.queries.pointing import Pointing
from models.queries.query import Query
from models.regions import OutOfView

BATCH = 64
UNSEEN = "unseen"  # fact of a record whose item was not asked, because no frame shows a region of it
MARKED = "marked"  # fact of a record: what was marked instead of a mask (`BOXED`)
POINTING, UNKNOWN_WORDS = "pointing", "unknown_words"  # facts of a record whose way of pointing was chosen


def predict(
    answers: Answers, items: Iterable[Item], batch_size: int = BATCH, max_new_tokens: int | None = None
) -> Iterator[str]:
    """Answer items one after the other; the clips of one batch are in memory at a time."""
    opener = Opener()
    for batch in batches(items, batch_size):
        yield from answer_batch(answers, batch, opener, max_new_tokens)[0]


@dataclass(frozen=True)
class Asked:
    """How an item was asked: its query, None where it was not asked, and what its record states of it."""

    query: Query | None
    facts: Mapping[str, Fact]


def answer_batch(
    answers: Answers,
    items: Sequence[Item],
    opener: Opener,
    max_new_tokens: int | None = None,
    pointing: Pointing | None = None,
) -> tuple[Sequence[str], Sequence[Asked]]:
    """Open the items of one batch and answer them together; give the answers, and how the items were asked.

    An item of which no frame shows a region is not asked: its answer is empty.
    """
    asked = [ask_item(item, opener, pointing) for item in items]
    queries = [each.query for each in asked if each.query is not None]
    said = iter(answers.answer(queries, len(queries), max_new_tokens) if queries else ())
    return ["" if each.query is None else next(said) for each in asked], asked


def ask_item(item: Item, opener: Opener, pointing: Pointing | None = None) -> Asked:
    """Open an item, and point at its regions.

    Raises:
        FileNotFoundError: there is no such footage.
        ValueError: the footage cannot be read, or a mark marks nothing.
    """
    try:
        opened = opener.open(item.media, item.marks)
    except OutOfView:
        return Asked(None, {UNSEEN: True})
    except ValueError as error:
        raise ValueError(f"item {item.name}: {error}") from error
    query = Query(opened.clip, opened.regions, item.question.text)
    facts: dict[str, Fact] = {MARKED: BOXED} if any(region.name == BOXED for region in opened.regions) else {}
    return Asked(query if pointing is None else pointing.apply(query), facts)


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
    pointing: str | None = None,
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
        pointing: way of pointing at regions, which records state (`models.queries.pointing`); None for the model's own.
        answered: called with the number of items of every batch that is done.
    """
    done, opener, model, count = parts.answered(), Opener(), None, 0
    way = None if pointing is None else Pointing(pointing)
    with parts.writing(shard) as file:
        for number, batch in enumerate(batches(islice(task.items(), limit), batch_size)):
            count = number + 1
            if not shard.takes(number):
                continue
            if number not in done:
                model = model or answers()
                predictions, asked = answer_batch(model, batch, opener, max_new_tokens, way)
                records = score_items(task.name, batch, predictions, arm, seed)
                append(file, number, with_facts(records, asked, model, pointing))
            answered(len(batch))
    return count


def with_facts(records: Sequence[Record], asked: Sequence[Asked], model: Answers, way: str | None) -> list[Record]:
    """State in records how their items were asked, and, where a way of pointing was chosen, that way.

    Beside the way is how many words of the question the model does not know.
    """
    return [
        replace(record, facts={**record.facts, **each.facts, **facts_of_query(each.query, model, way)})
        for record, each in zip(records, asked, strict=True)
    ]


def facts_of_query(query: Query | None, model: Answers, way: str | None) -> dict[str, Fact]:
    """The facts that `with_facts` adds for a chosen way of pointing."""
    if query is None or way is None:
        return {}
    return {POINTING: way, UNKNOWN_WORDS: len(unknown_words(model, query.text))}


def batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Cut a stream of items into lists of `size`; the last one may be shorter."""
    stream = iter(items)
    while batch := list(islice(stream, size)):
        yield batch
