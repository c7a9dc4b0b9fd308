"""A baseline that answers every question alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from models.queries.query import Query


class ConstantAnswer:
    """Says the same text whatever is asked."""

    def __init__(self, text: str) -> None:
        if not text.strip():
            raise ValueError("a constant baseline needs a text: write constant:TEXT, such as constant:A")
        self.text = text.strip()

    def answer(
        self, queries: Sequence[Query], batch_size: int = 64, max_new_tokens: int | None = None
    ) -> Iterator[str]:
        """Answer in the order of the queries, one text each."""
        return iter([self.text] * len(queries))
