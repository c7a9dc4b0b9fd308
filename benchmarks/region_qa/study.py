"""A study of region questions as data: answers of all arms to all tasks, contrasts, endpoints and provenance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from benchmarks.records.manifest import Manifest
from benchmarks.records.record import Record
from benchmarks.region_qa.analyses.factorial import Cells
from benchmarks.region_qa.analyses.linear_probes import ProbeScores
from benchmarks.region_qa.scores import Contrast, Row, arms_of, mark_clear, score_rows


@dataclass(frozen=True)
class Example:
    """A question shown with its frames: a picture as a data address, and what every arm answered."""

    picture: str
    question: str
    answer: str
    predictions: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Endpoint:
    """A difference that was named before the run: task, category or group, first arm minus second."""

    task: str
    category: str
    contrast: Contrast


@dataclass(frozen=True)
class TaskResult:
    """The answers of all arms to one task, and what the task is; `pace` scales its seconds (1 for true ones)."""

    name: str
    about: str
    records: Sequence[Record]
    pace: float = 1.0


@dataclass(frozen=True)
class Study:
    """The contents of a report. The first task carries the headline; `legend` describes each arm in words."""

    title: str
    tasks: Sequence[TaskResult]
    contrasts: Sequence[Contrast]
    manifest: Manifest
    summary: str
    primary: Sequence[Endpoint] = ()
    factorials: Mapping[str, Cells] = field(default_factory=dict)
    probes: Mapping[str, Sequence[ProbeScores]] = field(default_factory=dict)
    curves: Mapping[str, tuple[Sequence[float], Sequence[float]]] = field(default_factory=dict)
    examples: Sequence[Example] = ()
    question: str = ""
    legend: Mapping[str, str] = field(default_factory=dict)
    missing: Sequence[str] = ()

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
