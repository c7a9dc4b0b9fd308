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
    """The factor by which answers change when all seconds are multiplied by `pace`.

    `expected` is the factor of a model that reads time. `seen` holds whether the scaled durations lie in the range of
    the true ones; None where no question gives durations.
    """

    arm: str
    category: str
    pace: float
    seen: bool | None
    expected: float
    factor: Estimate  # geometric mean over items
    items: int


EXPONENTS = {"speed": -1, "elapsed": 1, "displacement": 0}  # of the pace


def responses(true: Sequence[Record], scaled: Sequence[Record], pace: float) -> list[Response]:
    """Compare answers to the same items with true and with scaled seconds, where both are positive numbers."""
    scaled = [replace(record, task=true[0].task) for record in scaled]  # the same items under another name
    asked = {record.item for record in scaled}
    lasting = {record.cluster: record.value for record in true if record.category == "elapsed" and record.value}
    measured = []
    for arm in arms_of(true):
        for category, exponent in EXPONENTS.items():
            before, after = (
                [r for r in records if (r.arm, r.category) == (arm, category)] for records in (true, scaled)
            )
            changes: dict[bool | None, list[tuple[Record, float]]] = {}
            for a, b in pair_records([r for r in before if r.item in asked], after):
                if isinstance(a.parsed, float) and isinstance(b.parsed, float) and min(a.parsed, b.parsed) > 0:
                    seen = _is_seen(lasting, a.cluster, pace)
                    changes.setdefault(seen, []).append((a, math.log(b.parsed / a.parsed)))
            for seen in (each for each in (True, False, None) if each in changes):
                pairs = changes[seen]
                logs = ACCURACY.estimate_values([change for _, change in pairs], [record for record, _ in pairs])
                factor = Estimate(math.exp(logs.mean), math.exp(logs.low), math.exp(logs.high), logs.p_value)
                measured.append(Response(arm, category, pace, seen, pace**exponent, factor, len(pairs)))
    return measured


def _is_seen(lasting: Mapping[str, float], cluster: str, pace: float) -> bool | None:
    """Decide whether the scaled duration of a clip lies in the range of the true ones; `lasting`: seconds by clip."""
    if cluster not in lasting:
        return None
    return min(lasting.values()) <= pace * lasting[cluster] <= max(lasting.values())
