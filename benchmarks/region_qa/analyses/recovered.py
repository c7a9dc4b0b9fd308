"""One difference between arms as a share of another: how much of a gain does a cheaper way recover?"""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.comparison.bootstrap import Estimate
from benchmarks.records.record import Record
from benchmarks.region_qa.scores import ACCURACY, Contrast, paired_scores


def recovered_share(records: Sequence[Record], gain: Contrast, whole: Contrast, category: str) -> Estimate | None:
    """Estimate the gain of one contrast in a category or a group as a share of that of another.

    All arms are paired by item, over the seeds that they share. None where they share none, or where the whole gain is
    not clearly above zero.

    Raises:
        ValueError: the arms answered different items.
    """
    base, scores = paired_scores(records, [*gain, *whole], category)
    if not base:
        return None
    gains = scores[0::2] - scores[1::2]
    return ACCURACY.estimate_ratio(gains[0].tolist(), gains[1].tolist(), base)
