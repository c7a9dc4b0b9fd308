"""What a benchmark asks of a model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol, runtime_checkable

from models.queries.query import Query


@runtime_checkable
class Answers(Protocol):
    """Anything that answers questions about regions of clips in words. `models.sr3d.answering.Answerer` is one."""

    def answer(
        self, queries: Sequence[Query], batch_size: int = 64, max_new_tokens: int | None = None
    ) -> Iterator[str]:
        """Answer in the order of the queries, one text each."""
        ...
