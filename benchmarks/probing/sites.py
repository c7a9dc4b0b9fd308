"""Where a probe reads a model, and the records of its errors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from benchmarks.comparison.metric import Metric
from benchmarks.records.record import Record

METRICS = (
    Metric("point_error", "point error"),  # lengths in mean distances of the first view
    Metric("depth_error", "depth error"),
    Metric("abs_rel", "AbsRel"),  # after one scale a clip
    Metric("rotation_deg", "rotation"),
    Metric("translation_deg", "translation"),
    Metric("auc5", "AUC@5", more_is_better=True),  # bins of one degree
    Metric("auc30", "AUC@30", more_is_better=True),
    Metric("auc5_vidfm3d", "AUC@5, published", more_is_better=True),  # bins and poses of the published code
    Metric("auc30_vidfm3d", "AUC@30, published", more_is_better=True),
)
VALIDATION, TEST = "val", "test"
Errors = Mapping[str, Mapping[str, float]]  # clip -> metric -> value


@dataclass(frozen=True)
class ProbeSite:
    """Where a model is read: after which block, under how much noise, in the grid or under a control."""

    model: str
    layer: int
    sigma: float | None = None
    control: str | None = None

    @property
    def name(self) -> str:
        """Name the site, as the arm of its records."""
        level = "" if self.sigma is None else f", sigma {self.sigma:g}"
        return f"{self.model}, layer {self.layer}{level}" + (f", {self.control}" if self.control else "")

    @classmethod
    def of(cls, record: Record) -> ProbeSite:
        """Read the site from the facts of a record."""
        facts = record.facts
        sigma, control = facts["sigma"], facts["control"]
        return cls(
            str(facts["model"]),
            int(cast(float, facts["layer"])),
            None if sigma is None else float(sigma),
            None if control is None else str(control),
        )


def probe_records(site: ProbeSite, seed: int, errors: Mapping[str, Errors]) -> list[Record]:
    """Make the records of one probe from its errors by split, clip and metric."""
    facts = vars(site)
    return [
        Record(split, clip, clip, site.name, seed, metrics, facts=facts)
        for split, clips in errors.items()
        for clip, metrics in clips.items()
    ]
