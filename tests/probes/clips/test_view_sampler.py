"""The frame sampler: the acceptance numbers of specs/vidfm3d.md sections 2.2 and 9."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
import torch

from probes.clips.view_sampler import ViewSampler


@pytest.fixture(scope="module")
def draws() -> list[list[int]]:
    generator = torch.Generator().manual_seed(0)
    return [ViewSampler().draw(generator) for _ in range(20_000)]


def test_the_published_sampler_can_reach_19_frames(draws: list[list[int]]) -> None:
    reachable = [0, *range(5, 74, 4)]
    assert ViewSampler().reachable() == reachable
    assert len(reachable) == 19
    assert {frame for views in draws for frame in views} == set(reachable)


def test_every_draw_has_four_views_the_first_of_them_frame_0(draws: list[list[int]]) -> None:
    assert {len(views) for views in draws} == {4}
    assert {views[0] for views in draws} == {0}


def test_views_are_4_frames_apart_or_more_and_18_to_20_on_average(draws: list[list[int]]) -> None:
    gaps = torch.tensor([[b - a for a, b in pairwise(views)] for views in draws])
    assert int(gaps.min()) == 4
    assert ((gaps.float().mean(0) > 17.5) & (gaps.float().mean(0) < 20.5)).all()


def test_one_draw_in_twenty_has_two_views_in_one_slot_of_cogvideox(draws: list[list[int]]) -> None:
    """Frames 8m + 1 and 8m + 5 share a slot of its first chunk; the spec counts 5.1 % of 200,000 draws."""
    slots = [[0 if frame == 0 else 1 + (frame - 1) // 2 // 4 for frame in views] for views in draws]
    share = sum(max(Counter(one).values()) > 1 for one in slots) / len(slots)
    assert abs(share - 0.051) < 0.005  # three standard deviations of 20,000 draws


def test_draws_are_those_of_the_seed() -> None:
    first, second = (torch.Generator().manual_seed(3) for _ in range(2))
    sampler = ViewSampler()
    assert [sampler.draw(first) for _ in range(9)] == [sampler.draw(second) for _ in range(9)]


def test_fixed_views_depend_on_the_clip_and_the_seed_alone() -> None:
    sampler = ViewSampler()
    names = [f"apple-{n}" for n in range(50)]
    views = [sampler.fixed(name) for name in names]
    assert views == [ViewSampler().fixed(name) for name in reversed(names)][::-1]
    assert len({tuple(one) for one in views}) > 40
    assert views != [sampler.fixed(name, seed=1) for name in names]


def test_the_fixed_views_of_a_clip_stay_what_they_are() -> None:
    """Golden: were they to change, results of different versions could not be compared."""
    assert ViewSampler().fixed("1K-0a1b") == [0, 9, 29, 53]
    assert ViewSampler().fixed("1K-0a1b", seed=1) == [0, 37, 53, 65]


@pytest.mark.parametrize(
    ("views", "context", "gap", "stride"), [(3, 17, 4, 4), (4, 16, 5, 1), (2, 9, 4, 2), (1, 1, 1, 1)]
)
def test_any_sampler_draws_distinct_reachable_frames_of_its_context(
    views: int, context: int, gap: int, stride: int
) -> None:
    sampler, generator = ViewSampler(views, context, gap, stride), torch.Generator().manual_seed(0)
    drawn = [sampler.draw(generator) for _ in range(300)]
    assert all(len(set(one)) == views and one == sorted(one) for one in drawn)
    assert {frame for one in drawn for frame in one} == set(sampler.reachable())
    assert max(sampler.reachable()) < context


def test_samplers_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="4 views with gaps of 5 need 16 frames, the context has 15"):
        ViewSampler(context=15)
    with pytest.raises(ValueError, match="stride <= gap"):
        ViewSampler(gap=3)
    with pytest.raises(ValueError, match="1 view or more"):
        ViewSampler(views=0)
