import numpy as np
import pytest

from benchmarks.comparison.cell import cell
from benchmarks.region_qa.scores import (
    categories_of,
    constant_score,
    mark_clear,
    no_time_ceiling,
    numeric_errors,
    score_rows,
)
from tests.support.studies import numeric, record, toy_records


def test_the_difference_of_two_arms_is_that_of_their_means() -> None:
    near, far, pooled = score_rows(toy_records(), [("good", "bad")])
    assert (near.category, far.category, pooled.category) == ("nearer_camera", "distance", "static")
    assert pooled.items == near.items + far.items
    bad, good = near.scores
    assert (bad.mean, good.mean) == (0.5, 1.0)
    assert near.differences[0].mean == 0.5
    assert near.differences[0].excludes_zero
    assert cell(near.differences[0], signed=True).startswith("+0.500 [+0.")


def test_two_equal_arms_do_not_differ() -> None:
    records = [record(arm, n, "higher", n % 3 == 0) for arm in ("a", "b") for n in range(30)]
    (row,) = score_rows(records, [("a", "b")])
    assert cell(row.differences[0], signed=True) == "+0.000 [+0.000, +0.000]"
    assert not row.differences[0].excludes_zero


def test_arms_that_answered_other_items_are_refused() -> None:
    records = [record("a", 1, "higher", True), record("b", 2, "higher", True)]
    with pytest.raises(ValueError, match="no partner"):
        score_rows(records, [("a", "b")])


def test_an_arm_without_records_is_named() -> None:
    with pytest.raises(ValueError, match="4d"):
        score_rows(toy_records(), [("4d", "good")])


def test_the_best_constant_is_the_most_frequent_answer() -> None:
    assert constant_score([record("a", n, "higher", True) for n in range(4)]) == 1.0  # all truths are A


def test_numeric_errors_leave_unparsed_answers_out_and_count_them() -> None:
    records = [record("a", 0, "distance", True), record("a", 1, "distance", False)]
    lost = [type(r)(**{**vars(r), "item": r.item + "x", "parsed": None}) for r in records]
    (error,) = numeric_errors(records + lost)
    assert error.median_relative == np.median([0.0, 8.0])
    assert error.mean_log == pytest.approx(np.log(9) / 2)
    assert error.unparsed == 0.5


def test_without_time_one_duration_serves_for_all_clips() -> None:
    durations = [1.0, 1.0, 1.1, 4.0]  # 1.0 and 1.1 lie within one ratio of 1.25: three of four clips
    timed = [numeric("a", n, "elapsed", d, 9.0) for n, d in enumerate(durations)]
    speeds = [numeric("a", n, "speed", 0.5 / d, 9.0) for n, d in ((2, 1.1), (3, 4.0))]
    assert no_time_ceiling(timed + speeds) == {"elapsed": 0.75, "speed": 0.5}
    assert no_time_ceiling(speeds) == {}  # durations are not known


def test_a_difference_over_the_seeds_that_both_arms_have() -> None:
    records = [record("a", n, "higher", True, seed) for n in range(9) for seed in (0, 1)]
    records += [record("b", n, "higher", seed == 1, seed) for n in range(9) for seed in (1, 2)]
    (row,) = score_rows(records, [("a", "b")])
    assert row.differences[0] is not None
    assert row.differences[0].mean == 0  # seed 1 alone
    assert score_rows([r for r in records if (r.arm, r.seed) != ("b", 1)], [("a", "b")])[0].differences == (None,)


def test_secondary_differences_are_clear_only_after_holm() -> None:
    rng = np.random.default_rng(0)
    names = ("nearer_camera", "higher", "left_right", "taller", "colour", "distance")
    records = [
        record(arm, n, name, bool(rng.random() < (0.75 if arm == "a" else 0.5)))
        for arm in ("a", "b")
        for n in range(70)
        for name in names
    ]
    rows = score_rows(records, [("a", "b")])
    marked = mark_clear(rows, [("a", "b")], [("colour", ("a", "b"))])
    by_interval = {row.category for row in rows if row.differences[0] and row.differences[0].excludes_zero}
    clear = {row.category for row in marked if 0 in row.clear}
    assert clear < by_interval  # Holm takes some back
    assert ("colour" in clear) == ("colour" in by_interval)  # not the endpoint that was named before


def test_a_category_of_ones_own_follows_the_known_ones() -> None:
    records = [record("a", n, category, True) for n, category in enumerate(("shininess", "distance", "age"))]
    assert categories_of(records) == ["distance", "shininess", "age"]
    assert [row.category for row in score_rows(records)] == ["distance", "shininess", "age"]
