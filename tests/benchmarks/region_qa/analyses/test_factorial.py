import pytest

from benchmarks.region_qa.analyses.factorial import factorial_effects
from tests.support.studies import record

CELLS = (("none", "time"), ("taught", "all"))


def test_effects_and_interaction_of_a_table_done_by_hand() -> None:
    right = {"none": 2, "time": 4, "taught": 3, "all": 9}  # of ten
    records = [record(arm, n, "speed", n < count) for arm, count in right.items() for n in range(10)]
    effects = factorial_effects(records, CELLS, "dynamic")
    assert effects is not None
    assert effects.first.mean == pytest.approx((0.3 + 0.9 - 0.2 - 0.4) / 2)
    assert effects.second.mean == pytest.approx((0.4 + 0.9 - 0.2 - 0.3) / 2)
    assert effects.interaction.mean == pytest.approx(0.9 - 0.3 - 0.4 + 0.2)


def test_arms_without_a_common_seed_have_no_effects() -> None:
    records = [record(arm, 0, "speed", True, seed) for seed, arm in enumerate(("none", "time", "taught", "all"))]
    assert factorial_effects(records, CELLS, "speed") is None
