"""What becomes of numeric answers when the timestamps of a test set are scaled."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch

from benchmarks.records.record import Record, pair_records
from benchmarks.region_qa.scores import SEED, arms_of
from benchmarks.statistics import Estimate, bootstrap


@dataclass(frozen=True)
class Response:
    """By which factor answers change when seconds do by `pace`; `expected` is the factor of a model that reads time.

    `seen` tells whether the scaled clips last as long as true ones may, None where no question tells how long they do.
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
    found = []
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
                logs = bootstrap(
                    [change for _, change in pairs],
                    [a.cluster for a, _ in pairs],
                    [a.seed for a, _ in pairs],
                    generator=torch.Generator().manual_seed(SEED),
                )
                factor = Estimate(math.exp(logs.mean), math.exp(logs.low), math.exp(logs.high), logs.p_value)
                found.append(Response(arm, category, pace, seen, pace**exponent, factor, len(pairs)))
    return found


def _is_seen(lasting: Mapping[str, float], cluster: str, pace: float) -> bool | None:
    """Tell whether a clip lasts, scaled, as long as some true clip or other; `lasting` is in seconds, by clip."""
    if cluster not in lasting:
        return None
    return min(lasting.values()) <= pace * lasting[cluster] <= max(lasting.values())
