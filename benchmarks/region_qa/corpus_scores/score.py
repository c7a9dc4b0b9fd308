"""The score of a corpus, with its interval where it has one."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.comparison.bootstrap import Estimate


@dataclass(frozen=True)
class CorpusScore:
    """One score of a run.

    Args:
        value: the score; None where it was not computed.
        estimate: the score with its interval; None where resampling is not possible.
        why_not: why it was not computed.
    """

    value: float | None
    estimate: Estimate | None = None
    why_not: str = ""

    @classmethod
    def of(cls, estimate: Estimate) -> CorpusScore:
        """Make a score with its interval."""
        return cls(estimate.mean, estimate)

    @classmethod
    def missing(cls, why_not: str) -> CorpusScore:
        """Make a score that was not computed."""
        return cls(None, why_not=why_not)
