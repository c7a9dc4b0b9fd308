"""How far an extraction is, in this process or in several."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

Seen = Callable[[int, int, int], None]  # how many clips there are, others have made, and this process has made


@contextmanager
def bar_of(extractor: str) -> Iterator[Seen]:
    """Show a progress bar; gives what moves it."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns) as progress:
        bar = progress.add_task(f"features of {extractor}", total=None)
        yield lambda total, others, extracted: progress.update(bar, total=total, completed=others + extracted)


@dataclass
class Whole:
    """How far several processes are.

    Args:
        shared: whether all work on the same clips; else each has its own.
        seen: told how far the whole is.
    """

    shared: bool
    seen: Seen
    counts: dict[int, tuple[int, int, int]] = field(default_factory=dict)

    def told(self, index: int, counts: tuple[int, int, int]) -> None:
        """Take what a process says: how many clips it has, others had made, and it has made."""
        total, others, extracted = counts
        if self.shared and index in self.counts:
            others = min(others, self.counts[index][1])  # later ones count what the other processes made
        self.counts[index] = total, others, extracted
        totals, before, made = zip(*self.counts.values(), strict=True)
        if self.shared:
            self.seen(total, min(before), min(sum(made), total - min(before)))
        else:
            self.seen(sum(totals), sum(before), sum(made))
