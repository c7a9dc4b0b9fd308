"""A probe study as data: the errors of every probe on every clip, and the site that was chosen for each model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from benchmarks.comparison.bootstrap import Estimate
from benchmarks.comparison.comparison import Comparison
from benchmarks.probing.sites import TEST, VALIDATION, ProbeSite
from benchmarks.records.manifest import Manifest
from benchmarks.records.record import Record


@dataclass(frozen=True)
class ProbeStudy:
    """The contents of a report. `chosen` is the site of each model that validation clips chose."""

    title: str
    summary: str
    records: Sequence[Record]
    chosen: Mapping[str, ProbeSite]
    contrasts: Sequence[tuple[str, str]]
    controls: Sequence[str]
    capacities: Sequence[str]
    manifest: Manifest
    blocks: Mapping[str, int] = field(default_factory=dict)  # of each model, for the depth axis
    question: str = ""
    legend: Mapping[str, str] = field(default_factory=dict)
    missing: Sequence[str] = ()

    @cached_property
    def by_site(self) -> Mapping[ProbeSite, list[Record]]:
        """The records of all seeds at every site, in the order in which resampling takes them."""
        sites: dict[ProbeSite, list[Record]] = {}
        for record in self.records:
            sites.setdefault(ProbeSite.of(record), []).append(record)
        return {site: sorted(group, key=lambda r: (r.seed, r.item)) for site, group in sites.items()}

    def of_control(self, model: str, control: str) -> ProbeSite | None:
        """Find the site of a model under a control, or at a capacity of the probe."""
        return next((site for site in self.by_site if site.model == model and site.control == control), None)

    def validation(self, site: ProbeSite, metric: str) -> float | None:
        """Average an error over validation clips and seeds; None where no clip has the metric."""
        values = [r.metrics[metric] for r in self._of(site, VALIDATION) if metric in r.metrics]
        return sum(values) / len(values) if values else None

    def estimate(self, site: ProbeSite, metric: str) -> Estimate | None:
        """Estimate a mean over test clips (and seeds, where there are several); None where no clip has the metric."""
        return Comparison(metric).estimate(self._of(site, TEST))

    def difference(self, first: ProbeSite, second: ProbeSite, metric: str) -> Estimate | None:
        """Estimate first - second on the test clips and seeds that both have; None where they share none."""
        return Comparison(metric).difference(self._of(first, TEST), self._of(second, TEST))

    def _of(self, site: ProbeSite, split: str) -> list[Record]:
        return [record for record in self.by_site[site] if record.task == split]
