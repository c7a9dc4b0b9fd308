"""A probe study as data: the errors of every probe on every clip, and which cells stand for their models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import torch

from benchmarks.records.manifest import Manifest
from benchmarks.statistics import Estimate, bootstrap, paired_bootstrap

SEED = 0  # of the resampling


@dataclass(frozen=True)
class Metric:
    """How a column is read: its key in the errors, its name in tables, its unit, and whether more is better."""

    key: str
    name: str
    unit: str
    more_is_better: bool = False


METRICS = (
    Metric("point_error", "point error", "mean distances of the first view"),
    Metric("depth_error", "depth error", "mean distances of the first view"),
    Metric("abs_rel", "AbsRel", "one scale a clip"),
    Metric("rotation_deg", "rotation", "degrees"),
    Metric("translation_deg", "translation", "degrees"),
    Metric("auc5", "AUC@5", "bins of one degree", True),
    Metric("auc30", "AUC@30", "bins of one degree", True),
    Metric("auc5_vidfm3d", "AUC@5, published", "bins and poses of the published code", True),
    Metric("auc30_vidfm3d", "AUC@30, published", "bins and poses of the published code", True),
)
HEADLINE = ("point_error", "abs_rel", "auc30")  # points, depth, pose: what contrasts are about


@dataclass(frozen=True)
class Place:
    """Where a model is read: after which block, under how much noise, in the grid or under a control."""

    model: str
    layer: int
    sigma: float | None = None
    control: str | None = None


Errors = Mapping[str, Mapping[str, float]]  # clip -> metric -> value


@dataclass(frozen=True)
class ProbeResult:
    """The errors of one probe on validation and test clips."""

    place: Place
    seed: int
    val: Errors
    test: Errors


@dataclass(frozen=True)
class ProbeStudy:
    """What a report is made from. `chosen` is the place of each model that validation clips chose."""

    title: str
    summary: str
    results: Sequence[ProbeResult]
    chosen: Mapping[str, Place]
    contrasts: Sequence[tuple[str, str]]
    controls: Sequence[str]
    ladder: Sequence[str]
    manifest: Manifest
    blocks: Mapping[str, int] = field(default_factory=dict)  # of each model, for the depth axis
    missing: Sequence[str] = ()

    @cached_property
    def by_place(self) -> Mapping[Place, list[ProbeResult]]:
        """The results of all seeds at every place."""
        found: dict[Place, list[ProbeResult]] = {}
        for result in self.results:
            found.setdefault(result.place, []).append(result)
        return found

    def of_control(self, model: str, control: str) -> Place | None:
        """Find the place of a model under a control, or under a step of the ladder."""
        return next((place for place in self.by_place if place.model == model and place.control == control), None)

    def validation(self, place: Place, metric: str) -> float | None:
        """Average an error over validation clips and seeds; None where the metric says nothing of any."""
        clips = (clip for result in self.by_place[place] for clip in result.val.values())
        values = [clip[metric] for clip in clips if metric in clip]
        return sum(values) / len(values) if values else None

    def estimate(self, place: Place, metric: str) -> Estimate | None:
        """Estimate a mean over test clips (and seeds, where there are several); None where the metric says nothing."""
        found = self._test(place, metric)
        if not found:
            return None
        seeds, clips = zip(*found, strict=True)
        return bootstrap(list(found.values()), clips, seeds, generator=torch.Generator().manual_seed(SEED))

    def difference(self, first: Place, second: Place, metric: str) -> Estimate | None:
        """Estimate first - second on the test clips and seeds that both have; None where they share none."""
        one, other = self._test(first, metric), self._test(second, metric)
        shared = [key for key in one if key in other]
        if not shared:
            return None
        seeds, clips = zip(*shared, strict=True)
        first_scores, second_scores = ([found[key] for key in shared] for found in (one, other))
        generator = torch.Generator().manual_seed(SEED)
        return paired_bootstrap(first_scores, second_scores, clips, seeds, generator=generator)

    def _test(self, place: Place, metric: str) -> dict[tuple[int, str], float]:
        """Look up a metric by seed and clip; clips about which it says nothing are left out."""
        return {
            (result.seed, name): clip[metric]
            for result in sorted(self.by_place[place], key=lambda result: result.seed)
            for name, clip in sorted(result.test.items())
            if metric in clip
        }
