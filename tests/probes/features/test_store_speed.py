"""The table of reading features says what its record says."""

import json
from pathlib import Path

from probes.features.store_speed import MAPPED, READ, reading_table

RESULT = Path(__file__).parents[3] / "results" / "speed" / "feature_store.json"


def test_bytes_and_times_are_compared_with_reading_whole_clips() -> None:
    seconds = {"slots in 8 bits": 0.02, READ: 0.1, "slots in float16": 0.04, MAPPED: 0.05}
    record = {
        "command": "python -m it",
        "commit": "abc",
        "machine": "a laptop",
        "config": {"bytes a sample": {"slots in 8 bits": 2_000_000, "slots in float16": 4_000_000, READ: 50_000_000}},
        "tasks": {"reading": {"at_least": 10, "arms": {arm: {"median_s": s} for arm, s in seconds.items()}}},
    }
    text = reading_table(record)
    assert "| slots in 8 bits | 2.0 | 25.0 | 20 | 5.0 |" in text
    assert f"| {READ} | 50.0 | 1.0 | 100 | 1.0 |" in text
    assert f"| {MAPPED} |  |  | 50 | 2.0 |" in text
    assert "- `python -m it`, commit abc, a laptop" in text


def test_the_committed_table_is_that_of_the_committed_record() -> None:
    assert RESULT.with_suffix(".md").read_text() == reading_table(json.loads(RESULT.read_text()))
