"""A study as data: what every kind of study reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from benchmarks.records.manifest import Manifest


@dataclass(frozen=True, kw_only=True)
class Study:
    """The fields that every report has; each kind of study adds its records and comparisons.

    Args:
        title: title of the study.
        summary: what was measured, in a few words.
        manifest: provenance of the records.
        question: the question of the study, in a sentence.
        legend: every arm in words.
        missing: unfinished runs.
    """

    title: str
    summary: str
    manifest: Manifest
    question: str = ""
    legend: Mapping[str, str] = field(default_factory=dict)
    missing: Sequence[str] = ()
