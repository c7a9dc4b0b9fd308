"""Accuracy by the duration of a clip."""

import pytest

from benchmarks.records.record import Record
from benchmarks.region_qa.analyses.duration_curve import duration_bins
from tests.support.studies import numeric


def clips(durations: list[float], right_below: float) -> list[Record]:
    """Two questions a clip, answered rightly where the clip is short."""
    records = []
    for n, lasts in enumerate(durations):
        said = lasts if lasts < right_below else 2 * lasts
        records.append(numeric("4d", n, "elapsed", lasts, said))
        records.append(numeric("4d", n, "speed", 1 / lasts, 1 / said))
    return records


def test_every_octave_has_the_accuracy_of_its_clips() -> None:
    bins = duration_bins(clips([0.1 * 2 ** (k / 4) for k in range(17)], right_below=0.4))
    elapsed = [b for b in bins if b.category == "elapsed"]
    assert [b.items for b in elapsed] == [4, 4, 4, 5]  # the longest clip belongs to the last octave
    assert [b.scores["4d"].mean for b in elapsed] == [1, 1, 0, 0]
    assert elapsed[0].low == pytest.approx(0.1)
    assert elapsed[-1].high == pytest.approx(1.6)
    assert [b.scores["4d"].mean for b in bins if b.category == "speed"] == [1, 1, 0, 0]


@pytest.mark.parametrize("durations", [[0.1, 0.2, 0.4, 0.8, 1.6] * 4, [0.1 + 0.01 * k for k in range(20)], []])
def test_few_durations_and_a_narrow_range_have_no_curve(durations: list[float]) -> None:
    assert duration_bins(clips(durations, right_below=1.0)) == []
