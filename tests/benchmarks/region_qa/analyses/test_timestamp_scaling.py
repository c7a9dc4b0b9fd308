import pytest

from benchmarks.records.record import Record
from benchmarks.region_qa.analyses.timestamp_scaling import responses
from tests.support.studies import numeric


def halved(record: Record, said: float | None) -> Record:
    return Record(**{**vars(record), "task": "half", "parsed": said})


def test_a_model_that_reads_time_says_twice_the_speed_when_seconds_are_halved() -> None:
    true = [numeric("4d", n, "speed", 1.0, 0.5 + n) for n in range(5)]
    (found,) = responses(true, [halved(r, 2 * r.parsed) for r in true if isinstance(r.parsed, float)], 0.5)
    assert (found.expected, found.items) == (2.0, 5)
    assert found.factor.mean == pytest.approx(2.0)
    assert found.factor.low == pytest.approx(2.0)


def test_answers_that_are_no_numbers_are_left_out() -> None:
    true = [numeric("4d", n, "displacement", 1.0, 1.0) for n in range(4)]
    (found,) = responses(true, [halved(true[0], None), *(halved(r, 1.0) for r in true[1:])], 2.0)
    assert (found.items, found.expected, found.factor.mean) == (3, 1.0, 1.0)


def test_clips_that_outlast_all_true_ones_stand_apart() -> None:
    true = [numeric("4d", n, "elapsed", lasts, lasts) for n, lasts in enumerate([1.0, 2.0, 4.0])]
    said = [halved(record, twice) for record, twice in zip(true, [2.0, 4.0, 1.0], strict=True)]
    seen, unseen = responses(true, said, 2.0)
    assert (seen.seen, seen.items, seen.factor.mean) == (True, 2, pytest.approx(2.0))
    assert (unseen.seen, unseen.items, unseen.factor.mean) == (False, 1, pytest.approx(0.25))
