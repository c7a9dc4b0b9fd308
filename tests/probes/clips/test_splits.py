"""Splits by clip: disjoint, seeded, and the published one."""

from __future__ import annotations

import random

import pytest

from probes.clips.splits import DL3DV_OUTLIERS, split_clips, split_published, without_outliers

NAMES = [f"{subset}K-{number:04x}" for subset in (10, 1, 2) for number in range(40)]


def test_the_published_split_shuffles_sorted_pairs_and_takes_the_first_tenth() -> None:
    pairs = sorted(tuple(name.split("-")) for name in NAMES)
    random.seed(0)  # as in the release
    random.shuffle(pairs)
    train, val = split_published(NAMES[::-1])
    assert [tuple(name.split("-")) for name in val] == pairs[:12]
    assert [tuple(name.split("-")) for name in train] == pairs[12:]


def test_the_three_parts_share_no_clip_and_lose_none() -> None:
    split = split_clips(NAMES)
    assert [len(part) for part in (split.train, split.val, split.test)] == [96, 12, 12]
    assert sorted(split.train + split.val + split.test) == sorted(NAMES)


def test_test_is_what_the_published_split_reports_on() -> None:
    assert list(split_clips(NAMES).test) == split_published(NAMES)[1]


def test_a_split_is_that_of_its_seed_whatever_the_order_of_names() -> None:
    assert split_clips(NAMES) == split_clips(NAMES[::-1])
    assert split_clips(NAMES) != split_clips(NAMES, seed=1)


def test_splits_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="a clip each, got 2"):
        split_clips(["a", "b"])
    with pytest.raises(ValueError, match="clip a occurs twice"):
        split_clips(["a", "b", "a"])
    assert len(split_clips(["a", "b", "c"]).train) == 1


def test_thirteen_scenes_are_outliers() -> None:
    assert len(DL3DV_OUTLIERS) == 13
    longer = [name + "0" * 52 for name in DL3DV_OUTLIERS]
    assert without_outliers(["1K-" + "a" * 64, *longer]) == ["1K-" + "a" * 64]
