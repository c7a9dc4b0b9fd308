"""How far several processes are."""

from __future__ import annotations

from probes.features.progress import Whole


def test_the_whole_counts_what_was_there_once_and_what_each_process_makes() -> None:
    told: list[tuple[int, int, int]] = []
    whole = Whole(shared=True, seen=lambda *counts: told.append(counts))
    for index, counts in [(0, (10, 4, 0)), (0, (10, 4, 1)), (1, (10, 5, 0)), (1, (10, 5, 1)), (0, (10, 5, 5))]:
        whole.told(index, counts)
    assert told == [(10, 4, 0), (10, 4, 1), (10, 4, 1), (10, 4, 2), (10, 4, 6)]
    whole = Whole(shared=False, seen=lambda *counts: told.append(counts))
    whole.told(0, (5, 1, 2))
    whole.told(1, (4, 0, 3))
    assert told[-1] == (9, 1, 5)
