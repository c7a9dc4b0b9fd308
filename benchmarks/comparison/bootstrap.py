"""Means with percentile intervals: a bootstrap over clusters, nested in training seeds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

RESAMPLES = 10_000
LEVEL = 0.95  # of the intervals
DRAWS_AT_ONCE = 4_000_000  # bounds memory: resamples times clusters
Resamples = tuple[Tensor, Tensor]  # how often each cluster, and each seed, was drawn: (resample, member)


@dataclass(frozen=True)
class Estimate:
    """A mean with its percentile interval; `p_value` is two-sided, against a mean of 0 by default."""

    mean: float
    low: float
    high: float
    p_value: float

    @property
    def excludes_zero(self) -> bool:
        """Whether the interval lies on one side of 0."""
        return self.low > 0 or self.high < 0


def draw_resamples(
    cluster_count: int, seed_count: int, generator: torch.Generator, resamples: int = RESAMPLES
) -> Iterator[Resamples]:
    """Draw clusters and seeds with replacement, as counts, in parts that bound memory."""
    for size in split_resamples(resamples, cluster_count):
        clusters = draw_weights(size, cluster_count, generator)
        yield clusters, draw_weights(size, seed_count, generator)


def estimate_table(
    table: Float[Tensor, "seed cluster"], counts: Float[Tensor, "seed cluster"], resamples: Iterable[Resamples]
) -> Estimate:
    """Estimate a mean over items and its percentile interval, from sums and counts by seed and cluster.

    The mean is taken over the items of each training seed, then over seeds. A resample draws seeds with replacement
    and, within them, clusters (clips) with replacement; items of a clip are dependent and stay together. All seeds of a
    resample share the drawn clips, because all seeds answer the same test set: separate draws would average away noise
    that the seeds share, and make intervals too narrow. With one seed, the interval covers new clips only. With fewer
    than about five seeds, it is too narrow in the seeds.
    """
    return estimate_of_draws(mean_of_table(table, counts), resampled_means(table, counts, resamples))


def mean_of_table(table: Float[Tensor, "seed cluster"], counts: Float[Tensor, "seed cluster"]) -> float:
    """Average the items of each seed, then the seeds."""
    return float((table.sum(1) / counts.sum(1)).mean())


def resampled_means(
    table: Float[Tensor, "seed cluster"], counts: Float[Tensor, "seed cluster"], resamples: Iterable[Resamples]
) -> Float[Tensor, "resample"]:
    """Compute the mean of every resample; NaN where it has no item."""
    means = []
    for clusters, seeds in resamples:
        of_seed = (clusters @ table.T) / (clusters @ counts.T)  # NaN where a seed has none of the drawn clusters
        weights = seeds * ~of_seed.isnan()
        means.append((weights * of_seed.nan_to_num()).sum(1) / weights.sum(1))
    return torch.cat(means)


def bootstrap_ratio(
    above: Sequence[tuple[float, float]], below: Sequence[tuple[float, float]], *, generator: torch.Generator
) -> Estimate:
    """Estimate the ratio of two weighted means over the same clusters; `p_value` is against a ratio of 1.

    Args:
        above: mean and weight of every cluster in the numerator; a mean without weight may be NaN.
        below: mean and weight of the same clusters in the denominator.
        generator: random numbers of the resamples, which draw the same clusters for both.

    Raises:
        ValueError: the lists differ in length, or are empty.
    """
    if not len(above) == len(below) > 0:
        raise ValueError(f"a ratio needs both means of every cluster, got {len(above)} and {len(below)}")
    sums = torch.tensor(
        [[a * v if v else 0.0, v, b * w if w else 0.0, w] for (a, v), (b, w) in zip(above, below, strict=True)],
        dtype=torch.float64,
    )
    sizes = split_resamples(RESAMPLES, len(sums))
    drawn = torch.cat([draw_weights(size, len(sums), generator) @ sums for size in sizes])
    ratio, whole = ((each[..., 0] * each[..., 3]) / (each[..., 1] * each[..., 2]) for each in (drawn, sums.sum(0)))
    return estimate_of_draws(float(whole), ratio, null=1.0)


def estimate_of_draws(mean: float, drawn: Float[Tensor, "resample"], null: float = 0.0) -> Estimate:
    """Summarise resampled means by a percentile interval and a two-sided p value against `null`; NaN are left out."""
    drawn = drawn[~drawn.isnan()]
    tail = (1 - LEVEL) / 2
    low, high = torch.quantile(drawn, torch.tensor([tail, 1 - tail], dtype=drawn.dtype)).tolist()
    below, above = int((drawn <= null).sum()), int((drawn >= null).sum())
    return Estimate(mean, low, high, p_value=min(1.0, 2 * (1 + min(below, above)) / (1 + len(drawn))))


def tabulate(
    scores: Sequence[float], clusters: Sequence[str], seeds: Sequence[int]
) -> tuple[Float[Tensor, "seed cluster"], Float[Tensor, "seed cluster"]]:
    """Sum the scores, and count the items, of every cluster under every seed.

    Raises:
        ValueError: the lists differ in length, or are empty.
    """
    if not len(scores) == len(clusters) == len(seeds) > 0:
        lengths = f"{len(scores)} scores, {len(clusters)} clusters, {len(seeds)} seeds"
        raise ValueError(f"every score needs a cluster and a seed, and one at least is needed: got {lengths}")
    rows = {seed: k for k, seed in enumerate(dict.fromkeys(seeds))}
    columns = {cluster: k for k, cluster in enumerate(dict.fromkeys(clusters))}
    cell = torch.tensor([rows[s] * len(columns) + columns[c] for s, c in zip(seeds, clusters, strict=True)])
    value = torch.tensor(scores, dtype=torch.float64)
    size = len(rows) * len(columns)
    table = torch.bincount(cell, value, minlength=size)
    counts = torch.bincount(cell, minlength=size).to(value)
    return table.view(len(rows), -1), counts.view(len(rows), -1)


def split_resamples(resamples: int, population: int) -> list[int]:
    """Split a number of resamples into parts that fit in memory."""
    part = max(1, DRAWS_AT_ONCE // population)
    return [min(part, resamples - start) for start in range(0, resamples, part)]


def draw_weights(resamples: int, population: int, generator: torch.Generator) -> Float[Tensor, "resample member"]:
    """Draw `population` members with replacement, and count how often each was drawn."""
    drawn = torch.randint(population, (resamples, population), generator=generator)
    drawn += torch.arange(resamples)[:, None] * population
    return torch.bincount(drawn.flatten(), minlength=resamples * population).view(resamples, population).double()
