"""The response of numeric answers to scaled timestamps of a test set."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from benchmarks.comparison.bootstrap import Estimate
from benchmarks.comparison.comparison import pair_records
from benchmarks.records.record import Record
from benchmarks.region_qa.scores import ACCURACY, arms_of


@dataclass(frozen=True)
class Response:
    """The factor by which answers change when all timestamps are multiplied by `pace`.

    `expected` is the factor of a model that reads time. `seen` tells whether the scaled durations lie in the range of
    the true ones; None if no question reveals the durations.
    """

    arm: str
    category: str
    pace: float
    seen: bool | None
    expected: float
    factor: Estimate  # geometric mean over items
    items: int


PACE_EXPONENTS = {"speed": -1, "elapsed": 1, "displacement": 0}  # the expected factor is pace ** exponent


def responses(true: Sequence[Record], scaled: Sequence[Record], pace: float) -> list[Response]:
    """Compare answers to the same items with true and with scaled timestamps, where both are positive numbers."""
    scaled = [replace(record, task=true[0].task) for record in scaled]  # the same items under another name
    scaled_items = {record.item for record in scaled}
    durations = {record.cluster: record.value for record in true if record.category == "elapsed" and record.value}
    estimates = []
    for arm in arms_of(true):
        for category, exponent in PACE_EXPONENTS.items():
            before, after = (
                [r for r in records if (r.arm, r.category) == (arm, category)] for records in (true, scaled)
            )
            changes: dict[bool | None, list[tuple[Record, float]]] = {}
            for a, b in pair_records([r for r in before if r.item in scaled_items], after):
                if isinstance(a.parsed, float) and isinstance(b.parsed, float) and min(a.parsed, b.parsed) > 0:
                    seen = _is_seen(durations, a.cluster, pace)
                    changes.setdefault(seen, []).append((a, math.log(b.parsed / a.parsed)))
            for seen in (group for group in (True, False, None) if group in changes):
                pairs = changes[seen]
                logs = ACCURACY.estimate_values([change for _, change in pairs], [record for record, _ in pairs])
                factor = Estimate(math.exp(logs.mean), math.exp(logs.low), math.exp(logs.high), logs.p_value)
                estimates.append(Response(arm, category, pace, seen, pace**exponent, factor, len(pairs)))
    return estimates


def _is_seen(durations: Mapping[str, float], cluster: str, pace: float) -> bool | None:
    """Tell whether the scaled duration of a clip lies in the range of the true ones (seconds by clip)."""
    if cluster not in durations:
        return None
    return min(durations.values()) <= pace * durations[cluster] <= max(durations.values())
