from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.diff.pairing import ALL, join
from benchmarks.diff.run import Run
from benchmarks.records.record import Record
from tests.support.studies import toy_records

NAMES = ("before", "after")


def run(records: list[Record], source: str = "x") -> Run:
    return Run(source, records, "region4d", "accuracy")


def arm(name: str, clips: int = 40, seed: int = 0) -> list[Record]:
    return [replace(record, seed=seed) for record in toy_records(clips, [name])]


def test_runs_are_joined_by_item_whatever_their_seeds_and_names_of_the_task() -> None:
    other = [replace(record, task="toy2", arm="b", question="Asked otherwise?") for record in arm("good", 30, seed=7)]
    diff = join(run(arm("bad")), run(other), NAMES)
    assert len(diff.pairs) == 60
    assert diff.alone == (20, 0)
    assert len(diff.gained) == 30
    assert diff.lost == []


def test_the_difference_is_that_of_the_second_run_minus_the_first() -> None:
    diff = join(run(arm("bad")), run(arm("good")), NAMES)
    rows = {row.category: row for row in diff.rows()}
    assert list(rows) == [ALL, "nearer_camera", "distance", "static"]
    for row in rows.values():
        (difference,) = row.differences
        assert difference is not None
        assert difference.mean == pytest.approx(0.5)
        assert row.clear == {0}
    assert [score.mean for score in rows[ALL].scores] == [0.5, 1.0]
    assert rows[ALL].items == 80


def test_equal_runs_differ_in_nothing() -> None:
    diff = join(run(arm("good")), run(arm("good")), NAMES)
    assert diff.gained == diff.lost == []
    assert all(row.clear == set() for row in diff.rows())


def test_runs_of_other_questions_are_refused() -> None:
    with pytest.raises(ValueError, match="share no item"):
        join(run(arm("good")), run([replace(r, item=f"other/{r.item}") for r in arm("good")]), NAMES)
    with pytest.raises(ValueError, match=r"has the answer 'A' in x and 'D' in y"):
        join(run(arm("good")), run([replace(r, answer="D") for r in arm("good")], "y"), NAMES)
    with pytest.raises(ValueError, match="scored by accuracy, y by mra"):
        join(run(arm("good")), Run("y", arm("good"), "region4d", "mra"), NAMES)


def test_unparsed_answers_are_counted_for_each_run_that_records_them() -> None:
    silent = [replace(r, parsed=None) if r.category == "distance" else r for r in arm("good")]
    diff = join(run(arm("good")), run(silent), NAMES)
    assert (diff.unparsed("distance"), diff.unparsed(ALL)) == ((0.0, 1.0), (0.0, 0.5))
    foreign = Run("y", arm("good"), "lmms-eval", "accuracy", knows_unparsed=False)
    assert join(run(silent), foreign, NAMES).unparsed("static") == (0.5, None)
