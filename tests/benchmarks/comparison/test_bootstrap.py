"""Intervals against closed forms and by simulated coverage."""

from __future__ import annotations

import time
from collections.abc import Sequence

import pytest
import torch

from benchmarks.comparison.bootstrap import (
    RESAMPLES,
    Estimate,
    bootstrap_ratio,
    draw_resamples,
    estimate_table,
    tabulate,
)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def bootstrap(
    scores: Sequence[float],
    clusters: Sequence[str],
    seeds: Sequence[int],
    *,
    generator: torch.Generator,
    resamples: int = RESAMPLES,
) -> Estimate:
    """Estimate a mean from scores, one an item."""
    table, counts = tabulate(scores, clusters, seeds)
    seed_count, cluster_count = table.shape
    return estimate_table(table, counts, draw_resamples(cluster_count, seed_count, generator, resamples))


def test_the_interval_of_independent_items_is_the_normal_one():
    scores = torch.randn(400, generator=generator(), dtype=torch.float64)
    found = bootstrap(scores.tolist(), [str(k) for k in range(400)], [0] * 400, generator=generator(1))
    mean, half = scores.mean().item(), 1.96 * scores.std(correction=0).item() / 20
    assert found.mean == pytest.approx(mean)
    # 10,000 resamples leave about 2 % of the half width as Monte Carlo error in each end
    assert found.low == pytest.approx(mean - half, abs=0.1 * half)
    assert found.high == pytest.approx(mean + half, abs=0.1 * half)


def test_items_of_a_clip_stay_together():
    clip = torch.randn(50, generator=generator(), dtype=torch.float64)
    once = bootstrap(clip.tolist(), [str(k) for k in range(50)], [0] * 50, generator=generator(1))
    repeated = clip.repeat_interleave(8).tolist()
    clusters = [str(k) for k in range(50) for _ in range(8)]
    together = bootstrap(repeated, clusters, [0] * 400, generator=generator(1))
    assert (together.low, together.high) == pytest.approx((once.low, once.high))
    apart = bootstrap(repeated, [str(k) for k in range(400)], [0] * 400, generator=generator(1))
    assert apart.high - apart.low < 0.5 * (once.high - once.low)  # sqrt(8) too narrow


def test_a_constant_difference_has_no_width_and_a_zero_one_no_significance():
    clusters = [str(k) for k in range(20)]
    one = bootstrap([0.5] * 20, clusters, [0] * 20, generator=generator(), resamples=100)
    assert (one.mean, one.low, one.high) == (0.5, 0.5, 0.5)
    zero = bootstrap([0.0] * 20, clusters, [0] * 20, generator=generator(), resamples=100)
    assert zero.p_value == 1
    assert not zero.excludes_zero


def test_the_interval_of_a_ratio_is_that_of_the_delta_method():
    shared = 1 + 0.3 * torch.rand(600, generator=generator(), dtype=torch.float64)  # hard for both
    above = shared * (3 + 0.5 * torch.randn(600, generator=generator(1), dtype=torch.float64))
    pairs = [[(value, 7.0) for value in each.tolist()] for each in (above, shared)]
    found = bootstrap_ratio(*pairs, generator=generator(2))
    ratio = (above.mean() / shared.mean()).item()
    half = 1.96 * ((above - ratio * shared).std(correction=0) / shared.mean()).item() / 600**0.5
    assert found.mean == pytest.approx(ratio)
    # Monte Carlo error, and the second order of the expansion
    assert found.low == pytest.approx(ratio - half, abs=0.1 * half)
    assert found.high == pytest.approx(ratio + half, abs=0.1 * half)
    assert found.p_value < 0.001


def test_a_ratio_weighs_its_clusters_and_counts_none_that_weighs_nothing():
    above = [(2.0, 3.0), (6.0, 1.0), (float("nan"), 0.0)]
    found = bootstrap_ratio(above, [(1.0, 1.0)] * 3, generator=generator())
    assert found.mean == pytest.approx(3)
    same = bootstrap_ratio([(2.0, 1.0)] * 5, [(2.0, 4.0)] * 5, generator=generator())
    assert (same.mean, same.low, same.high, same.p_value) == (1, 1, 1, 1)
    with pytest.raises(ValueError, match="both means of every cluster, got 3 and 2"):
        bootstrap_ratio(above, [(1.0, 1.0)] * 2, generator=generator())


def test_the_same_generator_seed_gives_the_same_interval():
    scores, clusters = torch.rand(30, generator=generator()).tolist(), [str(k % 10) for k in range(30)]
    one, other = (bootstrap(scores, clusters, [0] * 30, generator=generator(3), resamples=500) for _ in range(2))
    assert one == other


@pytest.mark.parametrize("seeds", [1, 8])
def test_nominal_95_percent_intervals_cover_the_truth(seeds):
    """Clips that all seeds share, seeds, and items each add noise."""
    trials, clips, items = 600, 40, 3
    g = generator(7)
    clusters = [f"{c}" for _ in range(seeds) for c in range(clips) for _ in range(items)]
    of_seed = [s for s in range(seeds) for _ in range(clips * items)]
    hits = 0
    for _ in range(trials):
        noise = 0.5 * torch.randn(seeds, 1, 1, generator=g) * (seeds > 1) + torch.randn(1, clips, 1, generator=g)
        scores = 2 + noise + torch.randn(seeds, clips, items, generator=g)
        found = bootstrap(scores.flatten().tolist(), clusters, of_seed, generator=g, resamples=400)
        hits += found.low <= 2 <= found.high
    # the share has a standard error of 0.9 points; percentile intervals of 40 clips cover a little less than they say
    assert 0.90 <= hits / trials <= 0.975


def test_ten_thousand_resamples_of_512_clips_take_about_a_second():
    clusters = [str(k // 14) for k in range(512 * 14)]
    scores = torch.rand(len(clusters), generator=generator()).tolist()
    start = time.perf_counter()
    bootstrap(scores, clusters, [0] * len(clusters), generator=generator())
    assert time.perf_counter() - start < 3  # 0.4 s alone on a core; room for a busy machine


def test_unequal_lists_and_no_items_are_refused():
    with pytest.raises(ValueError, match="2 scores, 1 clusters, 2 seeds"):
        bootstrap([0.0, 1.0], ["a"], [0, 0], generator=generator())
    with pytest.raises(ValueError, match="one at least is needed"):
        bootstrap([], [], [], generator=generator())
