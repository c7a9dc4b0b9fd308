"""What a column of a table measures."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Metric:
    """A metric of a record: its key there, its name and digits in tables, and whether more is better."""

    key: str
    name: str
    more_is_better: bool = False
    digits: int = 3

    @property
    def heading(self) -> str:
        """Name the column, with the direction that is better."""
        return f"{self.name} {'↑' if self.more_is_better else '↓'}"
