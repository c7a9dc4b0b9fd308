"""A finished study, item by item: what was asked or measured, and what every arm made of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from benchmarks.probing.sites import TEST, VALIDATION
from benchmarks.records.archive import RECORDS_FILE, RUNS_FILE, Run, read_runs, read_task
from benchmarks.records.live_runs import measured_methods, trained_runs
from benchmarks.records.manifest import read_manifest
from benchmarks.records.record import RECORDS, Record, read_records
from scenes.questions import LETTERS

OUTCOMES = ("all", "right", "wrong", "mixed")
SCORE = "score"


@dataclass(frozen=True)
class Outcome:
    """What one arm, with one training seed, made of an item. `score` is None where nothing was asked."""

    arm: str
    seed: int
    text: str
    score: float | None
    metrics: Mapping[str, float]
    reason: str = ""
    candidate: int = 0

    @property
    def right(self) -> bool:
        """Whether the answer counts as right."""
        return self.score is not None and self.score > 0


@dataclass
class StudyItem:
    """An item of a task with the outcomes of all arms. `truth` is its exact answer; "" where nothing was asked."""

    task: str
    name: str
    category: str
    question: str
    options: tuple[str, ...]
    answer: str
    outcomes: list[Outcome] = field(default_factory=list)

    @property
    def truth(self) -> str:
        """The exact answer, with the option that a letter stands for."""
        return with_words(self.answer, self.options)

    def of(self, arm: str | None) -> list[Outcome]:
        """The outcomes of one arm, or of all."""
        return [each for each in self.outcomes if arm in (None, each.arm)]

    def is_(self, outcome: str, arm: str | None) -> bool:
        """Whether the answers of an arm, or of all, are all "right", all "wrong" or "mixed"; "all" takes any."""
        rights = {each.right for each in self.of(arm)}
        wanted = {"right": {True}, "wrong": {False}, "mixed": {True, False}}
        return bool(rights) and (outcome == "all" or rights == wanted[outcome])

    def mean(self, metric: str, arm: str | None) -> float | None:
        """The mean of a metric over an arm, or over all; None where nothing has it."""
        values = [each.metrics[metric] for each in self.of(arm) if metric in each.metrics]
        return sum(values) / len(values) if values else None


class FinishedStudy:
    """The records of a study: an archive, a folder of runs, or the records of one run.

    Nothing outside of the folder is read.

    Raises:
        ValueError: the folder holds no records.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name = "/".join(folder.resolve().parts[-2:])
        if not _holds_records(folder):
            raise ValueError(
                f"'{folder}' holds no records of a study: give an archive, as results/compare/quick, or a folder of "
                "runs, as outputs/runs/quick; a probe study is archived first, by `region4d records archive`"
            )

    @property
    def runs(self) -> Mapping[str, Run]:
        """The runs by name."""
        if (self.folder / RUNS_FILE).is_file():
            return read_runs(self.folder)
        return {run.name: run for run in _live_runs(self.folder)}

    @property
    def tasks(self) -> list[str]:
        """The tasks, test sets or splits that were measured."""
        if any(run.features for run in self.runs.values()):
            return [TEST, VALIDATION]
        return list(dict.fromkeys(task for run in self.runs.values() for task in run.manifests))

    def items(self, task: str) -> Mapping[str, StudyItem]:
        """The items of a task by name, in their order.

        Raises:
            ValueError: the study has no such task, or a record is malformed.
        """
        if task not in self.tasks:
            raise ValueError(f"{self.name} has no task '{task}'; choose one of {', '.join(self.tasks)}")
        return _items_of(self.folder, task, _changed(self.folder))

    def item(self, name: str, task: str | None = None) -> StudyItem:
        """Find an item, in a task or in the first one that has it.

        Raises:
            ValueError: there is none.
        """
        for each in self.tasks if task is None else [task]:
            if found := self.items(each).get(name):
                return found
        raise ValueError(f"{self.name} has no item '{name}' in {task or 'any task'}; names are as in its records")


def with_words(answer: str, options: Sequence[str]) -> str:
    """Write what a letter stands for: "B: red"."""
    chosen = dict(zip(LETTERS, options, strict=False)).get(answer)
    return answer if chosen is None else f"{answer}: {chosen}"


def arms_of(items: Iterable[StudyItem]) -> list[str]:
    """List the arms, in order of their first outcome."""
    return list(dict.fromkeys(each.arm for item in items for each in item.outcomes))


def chosen_items(
    items: Iterable[StudyItem], category: str | None, arm: str | None, outcome: str, highest: str | None = None
) -> list[StudyItem]:
    """Choose items by category, and by whether the answers of an arm (or of all) are right.

    Args:
        items: of one task.
        category: of the question; None for all.
        arm: whose outcomes count; None for all.
        outcome: one of `OUTCOMES`.
        highest: metric by which items are ordered, its highest mean first; None for the order of the records.
    """
    found = [item for item in items if category in (None, item.category) and item.is_(outcome, arm)]
    if highest is None:
        return found
    measured = [(mean, item) for item in found if (mean := item.mean(highest, arm)) is not None]
    return [item for _, item in sorted(measured, key=lambda pair: -pair[0])]


def _holds_records(folder: Path) -> bool:
    return (folder / RECORDS_FILE).is_file() or bool(_live_runs(folder))


def _live_runs(folder: Path) -> list[Run]:
    return _live(folder, _changed(folder))[0]


@lru_cache(maxsize=4)
def _live(folder: Path, _: int) -> tuple[list[Run], list[Record]]:
    if (folder / RECORDS).is_file():
        records = read_records(folder)
        task, arm, seed = records[0].series
        return [Run(arm, arm, seed, {task: read_manifest(folder)})], records
    runs, records = trained_runs(folder)
    return (runs, records) if runs else measured_methods(folder)


@lru_cache(maxsize=4)
def _items_of(folder: Path, task: str, _: int) -> dict[str, StudyItem]:
    """Gather the records of a task by item; predictions that recur are kept once."""
    items: dict[str, StudyItem] = {}
    said: dict[str, str] = {}
    for record in _records_of(folder, task):
        item = items.get(record.item)
        if item is None:
            item = StudyItem(task, record.item, record.category, record.question, record.options, record.answer)
            items[record.item] = item
        text = said.setdefault(record.prediction, record.prediction)
        metrics = {name: value for name, value in record.metrics.items() if name != SCORE}
        score = record.metrics.get(SCORE)
        item.outcomes.append(Outcome(record.arm, record.seed, text, score, metrics, record.reason, record.candidate))
    return items


def _records_of(folder: Path, task: str) -> Iterator[Record]:
    if (folder / RECORDS_FILE).is_file():
        return read_task(folder, task)
    return (record for record in _live(folder, _changed(folder))[1] if record.task == task)


def _changed(folder: Path) -> int:
    """When an archive was written, so that another one is read again; live runs are read once."""
    path = folder / RECORDS_FILE
    return path.stat().st_mtime_ns if path.is_file() else 0
