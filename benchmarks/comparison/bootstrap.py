"""Means with percentile intervals: a bootstrap over clusters, nested in training seeds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

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


def bootstrap(
    scores: Sequence[float],
    clusters: Sequence[str],
    seeds: Sequence[int],
    *,
    generator: torch.Generator,
    resamples: int = 10_000,
    level: float = 0.95,
) -> Estimate:
    """Estimate a mean over items, and its percentile interval.

    The mean is taken over the items of each training seed, then over seeds. A resample draws seeds with replacement
    and, inside them, clusters (clips) with replacement; items of a clip are dependent and stay together. The drawn
    clips are the same for all seeds of a resample, because all seeds answer the same test set: drawing them anew for
    each seed would average away noise that the seeds share, and make intervals too narrow. With one seed, the interval
    speaks of new clips only. Few seeds (under five or so) give intervals that are too narrow in the seeds.

    Raises:
        ValueError: The lists differ in length, or are empty.
    """
    table, counts = tabulate(scores, clusters, seeds)
    seed_count, cluster_count = table.shape
    return estimate_table(table, counts, draw_resamples(cluster_count, seed_count, generator, resamples), level)


def draw_resamples(
    cluster_count: int, seed_count: int, generator: torch.Generator, resamples: int = 10_000
) -> Iterator[Resamples]:
    """Draw clusters and seeds with replacement, as counts, in parts that bound memory."""
    chunk = max(1, DRAWS_AT_ONCE // cluster_count)
    for start in range(0, resamples, chunk):
        size = min(chunk, resamples - start)
        clips = draw_weights(size, cluster_count, generator)
        yield clips, draw_weights(size, seed_count, generator)


def estimate_table(
    table: Float[Tensor, "seed cluster"],
    counts: Float[Tensor, "seed cluster"],
    resamples: Iterable[Resamples],
    level: float = 0.95,
) -> Estimate:
    """Estimate the mean over items, then seeds, of sums and counts by seed and cluster (see `bootstrap`)."""
    means = []
    for clips, seeds in resamples:
        of_seed = (clips @ table.T) / (clips @ counts.T)  # NaN where a seed has none of the drawn clips
        weights = seeds * ~of_seed.isnan()
        means.append((weights * of_seed.nan_to_num()).sum(1) / weights.sum(1))
    return estimate_of_draws(float((table.sum(1) / counts.sum(1)).mean()), torch.cat(means), level)


def bootstrap_ratio(
    above: Sequence[tuple[float, float]],
    below: Sequence[tuple[float, float]],
    *,
    generator: torch.Generator,
    resamples: int = 10_000,
    level: float = 0.95,
) -> Estimate:
    """Estimate the ratio of two weighted means over the same clusters; `p_value` is against a ratio of 1.

    Args:
        above: Mean and weight of every cluster; a mean without weight may be NaN.
        below: The same of what is divided by, cluster by cluster.
        generator: Of the resamples, which draw clusters with replacement, the same for both.
        resamples: How many.
        level: Of the interval.

    Raises:
        ValueError: The lists differ in length, or are empty.
    """
    if not len(above) == len(below) > 0:
        raise ValueError(f"a ratio needs both means of every cluster, got {len(above)} and {len(below)}")
    sums = torch.tensor(
        [[a * v if v else 0.0, v, b * w if w else 0.0, w] for (a, v), (b, w) in zip(above, below, strict=True)],
        dtype=torch.float64,
    )
    chunk = max(1, DRAWS_AT_ONCE // len(sums))
    sizes = [min(chunk, resamples - start) for start in range(0, resamples, chunk)]
    drawn = torch.cat([draw_weights(size, len(sums), generator) @ sums for size in sizes])
    ratio, whole = ((each[..., 0] * each[..., 3]) / (each[..., 1] * each[..., 2]) for each in (drawn, sums.sum(0)))
    return estimate_of_draws(float(whole), ratio, level, null=1.0)


def estimate_of_draws(
    mean: float, drawn: Float[Tensor, "resample"], level: float = 0.95, null: float = 0.0
) -> Estimate:
    """Summarise resampled means by a percentile interval and a two-sided p value against `null`; NaN are left out."""
    drawn = drawn[~drawn.isnan()]
    tail = (1 - level) / 2
    low, high = torch.quantile(drawn, torch.tensor([tail, 1 - tail], dtype=drawn.dtype)).tolist()
    below, above = int((drawn <= null).sum()), int((drawn >= null).sum())
    return Estimate(mean, low, high, p_value=min(1.0, 2 * (1 + min(below, above)) / (1 + len(drawn))))


def tabulate(
    scores: Sequence[float], clusters: Sequence[str], seeds: Sequence[int]
) -> tuple[Float[Tensor, "seed cluster"], Float[Tensor, "seed cluster"]]:
    """Sum the scores, and count the items, of every cluster under every seed.

    Raises:
        ValueError: The lists differ in length, or are empty.
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


def draw_weights(resamples: int, population: int, generator: torch.Generator) -> Float[Tensor, "resample member"]:
    """Draw `population` members with replacement, and count how often each was drawn."""
    drawn = torch.randint(population, (resamples, population), generator=generator)
    drawn += torch.arange(resamples)[:, None] * population
    return torch.bincount(drawn.flatten(), minlength=resamples * population).view(resamples, population).double()
