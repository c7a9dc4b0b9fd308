import pytest

from benchmarks.region_qa.analyses.recovered import recovered_share
from tests.support.studies import record

GAIN, WHOLE = ("taught", "none"), ("map", "none")


def test_a_share_of_a_table_done_by_hand() -> None:
    right = {"none": 20, "taught": 35, "map": 80}  # of a hundred
    records = [record(arm, n, "speed", n < count) for arm, count in right.items() for n in range(100)]
    share = recovered_share(records, GAIN, WHOLE, "dynamic")
    assert share is not None
    assert share.mean == pytest.approx(15 / 60)
    assert 0.1 < share.low < share.mean < share.high < 0.4


def test_seeds_that_an_arm_lacks_are_left_out() -> None:
    right = {"none": 20, "taught": 35, "map": 80}
    records = [record(arm, n, "speed", n < count) for arm, count in right.items() for n in range(100)]
    more = [record(arm, n, "speed", True, seed=1) for arm in ("none", "taught") for n in range(100)]
    assert recovered_share([*records, *more], GAIN, WHOLE, "speed") == recovered_share(records, GAIN, WHOLE, "speed")
    assert recovered_share([*more], ("taught", "none"), ("none", "taught"), "speed") is None  # no gain to share
    apart = [record(arm, 0, "speed", True, seed) for seed, arm in enumerate(right)]
    assert recovered_share(apart, GAIN, WHOLE, "speed") is None
