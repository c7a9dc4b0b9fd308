from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from benchmarks.diff.media import media_link
from tests.support.studies import toy_records


def test_a_name_longer_than_names_of_files_may_be_is_no_footage(tmp_path: Path) -> None:
    record = replace(toy_records(1, ["bad"])[0], facts={"media": "x" * 300})
    assert media_link(record, [tmp_path], tmp_path) == ""
