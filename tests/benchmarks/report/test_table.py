"""Tables of a report, as Markdown and within the width of a screen."""

from __future__ import annotations

from benchmarks.comparison.bootstrap import Estimate
from benchmarks.comparison.metric import Metric
from benchmarks.report.table import Table, estimate_tables

ERROR, SHARE = Metric("error", "error", digits=2), Metric("share", "share", more_is_better=True, digits=1)


def test_a_table_is_written_with_its_bold_cells() -> None:
    table = Table(["arm", "error"], [["2d", "0.5"], ["3d", "0.4"]], bold={(1, 1)})
    assert table.markdown() == "| arm | error |\n| --- | --- |\n| 2d | 0.5 |\n| 3d | **0.4** |"


def test_a_table_that_fits_is_not_split() -> None:
    table = Table(["arm", "a", "b"], [["2d", "1", "2"]], details="more")
    (whole,) = table.split()
    assert (whole.markdown(), whole.details) == (table.markdown(), "more")


def test_a_wide_table_is_split_by_columns_which_keep_their_names_and_emphasis() -> None:
    head = ["arm", "seed", *(f"metric {k}" for k in range(5))]
    rows = [[arm, "0", *(f"{arm} of {k}" for k in range(5))] for arm in ("2d", "3d")]
    parts = Table(head, rows, bold={(0, 3), (1, 6)}, label=2, details="folded").split(width=45)
    assert [part.head for part in parts] == [
        ["arm", "seed", "metric 0", "metric 1"],
        ["arm", "seed", "metric 2", "metric 3"],
        ["arm", "seed", "metric 4"],
    ]
    assert parts[0].rows[1] == ["3d", "0", "3d of 0", "3d of 1"]
    assert [set(part.bold) for part in parts] == [{(0, 3)}, set(), {(1, 2)}]
    assert {part.details for part in parts} == {"folded"}
    assert all(len(line) <= 45 for part in parts for line in part.markdown().splitlines())


def test_a_column_that_is_wider_than_a_screen_stands_alone() -> None:
    parts = Table(["arm", "a", "long", "b"], [["2d", "1", "x" * 60, "2"]]).split(width=40)
    assert [part.head for part in parts] == [["arm", "a"], ["arm", "long"], ["arm", "b"]]


def test_means_are_shown_and_their_intervals_folded_away() -> None:
    estimates = [[Estimate(0.25, 0.125, 0.5, 0.01), None], [None, Estimate(0.75, 0.5, 1.0, 0.01)]]
    means, intervals = estimate_tables(
        ["arm"], [["2d"], ["3d"]], [ERROR, SHARE], estimates, right=[["yes"], ["no"]], right_head=["done"]
    )
    assert means.head == ["arm", "error ↓", "share ↑", "done"]
    assert means.rows == [["2d", "0.25", "", "yes"], ["3d", "", "0.8", "no"]]
    assert means.details == ""
    assert intervals.head == ["arm", "error ↓", "share ↑"]
    assert intervals.rows == [["2d", "0.25 [0.12, 0.50]", ""], ["3d", "", "0.8 [0.5, 1.0]"]]
    assert intervals.details == "with 95 % intervals"
