"""A study of region questions as data: the answers of all arms to all tasks, contrasts and endpoints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from benchmarks.records.record import Record
from benchmarks.region_qa.analyses.factorial import Cells
from benchmarks.region_qa.analyses.linear_probes import ProbeScores
from benchmarks.region_qa.scores import Contrast, Row, arms_of, mark_clear, score_rows
from benchmarks.report.study import Study


@dataclass(frozen=True)
class Example:
    """A question shown with its frames: a picture as a data address, and the answer of every arm.

    `command` writes the card of the question, with the points, the provenance and the answers of all seeds.
    """

    picture: str
    question: str
    answer: str
    predictions: Sequence[Mapping[str, Any]]
    command: str = ""


@dataclass(frozen=True)
class Endpoint:
    """A difference that was named before the run: task, category or group, first arm minus second."""

    task: str
    category: str
    contrast: Contrast


@dataclass(frozen=True)
class TaskResult:
    """The answers of all arms to one task, described by `about`; `pace` scales its seconds (1 for true ones)."""

    name: str
    about: str
    records: Sequence[Record]
    pace: float = 1.0


@dataclass(frozen=True, kw_only=True)
class AnswerStudy(Study):
    """A study of answers to region questions.

    Args:
        tasks: the answers by task; the first task carries the headline.
        contrasts: pairs of arms, the first minus the second.
        primary: endpoints that were named before the run.
        pictured: categories whose differences the figure shows; without, the accuracies of all arms.
        factorials: arms of crossed factors, by title.
        recovered: pairs of contrasts; the report shows the first as a share of the second.
        probes: scores of the linear probes of every arm, one per seed.
        curves: learning curves (step, loss) by run.
        examples: questions shown in the report.
        counterfactuals: answers about counterfactual worlds; None of a study that asks about none.
    """

    tasks: Sequence[TaskResult]
    contrasts: Sequence[Contrast]
    primary: Sequence[Endpoint] = ()
    pictured: Sequence[str] = ()
    factorials: Mapping[str, Cells] = field(default_factory=dict)
    recovered: Sequence[tuple[Contrast, Contrast]] = ()
    probes: Mapping[str, Sequence[ProbeScores]] = field(default_factory=dict)
    curves: Mapping[str, tuple[Sequence[float], Sequence[float]]] = field(default_factory=dict)
    examples: Sequence[Example] = ()
    counterfactuals: Sequence[Record] | None = None

    @cached_property
    def rows(self) -> Mapping[str, list[Row]]:
        """The table of every task, with its clear differences marked."""
        return {
            task.name: mark_clear(
                score_rows(task.records, self.contrasts_in(task)),
                self.contrasts_in(task),
                [(e.category, e.contrast) for e in self.primary if e.task == task.name],
            )
            for task in self.tasks
        }

    def contrasts_in(self, task: TaskResult) -> list[Contrast]:
        """List the contrasts whose two arms have answered a task."""
        arms = set(arms_of(task.records))
        return [(a, b) for a, b in self.contrasts if {a, b} <= arms]
