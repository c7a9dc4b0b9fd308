"""A probe study as data: the errors of every probe on every clip, and the chosen site of each model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from benchmarks.comparison.bootstrap import Estimate
from benchmarks.comparison.comparison import Comparison
from benchmarks.probing.sites import TEST, VALIDATION, ProbeSite
from benchmarks.records.record import Record
from benchmarks.report.study import Study


@dataclass(frozen=True, kw_only=True)
class ProbeStudy(Study):
    """A study of probes.

    Args:
        records: one record per probe and clip (see `probe_records`).
        chosen: the site of each model with the least error on validation clips.
        contrasts: pairs of models, the first minus the second.
        controls: names of the controls.
        capacities: names of the probes of other capacity.
        blocks: number of blocks of each model, for the depth axis.
        published: published values by model and metric, to stand beside ours.
        differences: what differs between the published study and this one, in words.
    """

    records: Sequence[Record]
    chosen: Mapping[str, ProbeSite]
    contrasts: Sequence[tuple[str, str]]
    controls: Sequence[str]
    capacities: Sequence[str]
    blocks: Mapping[str, int] = field(default_factory=dict)
    published: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    differences: Sequence[str] = ()

    @cached_property
    def by_site(self) -> Mapping[ProbeSite, list[Record]]:
        """The records of every site, ordered by seed and clip: the result of resampling depends on their order."""
        sites: dict[ProbeSite, list[Record]] = {}
        for record in self.records:
            sites.setdefault(ProbeSite.of(record), []).append(record)
        return {site: sorted(group, key=lambda r: (r.seed, r.item)) for site, group in sites.items()}

    def of_control(self, model: str, control: str) -> ProbeSite | None:
        """Find the site of a model under a control, or with a probe of another capacity."""
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
