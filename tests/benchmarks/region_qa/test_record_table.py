from pathlib import Path

import pytest

from benchmarks.records.archive import Run, write_archive
from benchmarks.records.manifest import Manifest
from benchmarks.records.record import write_records
from benchmarks.region_qa.record_table import record_table, split_sources
from tests.support.studies import toy_records

MANIFEST = Manifest({}, "abc", "a machine", {}, "0123456789abcdef", "2026-01-01")


@pytest.fixture
def folders(tmp_path: Path) -> list[str]:
    for arm in ("bad", "good"):
        write_records(tmp_path / arm, toy_records(arms=(arm,)), MANIFEST)
    return [f"before={tmp_path}/bad", f"after={tmp_path}/good"]


def test_records_of_any_arms_are_compared_item_by_item(folders: list[str]) -> None:
    text = record_table(folders)
    assert "| category | published as | items | constant | before | after |" in text
    assert "| category | after - before [95 %] |" in text
    assert "**+0.500 [+0." in text
    assert "- after: commit abc, checkpoint 0123456789ab" in text


def test_a_run_of_an_archive_is_compared_as_a_live_one_is(folders: list[str], tmp_path: Path) -> None:
    runs = [Run(f"{arm}-seed0", arm, 0, {"toy": MANIFEST}) for arm in ("bad", "good")]
    write_archive(tmp_path / "kept", runs, toy_records())
    archived = [f"before={tmp_path}/kept#bad-seed0", f"after={tmp_path}/kept#good-seed0"]
    assert record_table(archived) == record_table(folders)
    with pytest.raises(ValueError, match="has no run best-seed0; its runs are: bad-seed0, good-seed0"):
        record_table([f"a={tmp_path}/kept#best-seed0"])


@pytest.mark.parametrize("sources", [["folder"], ["a=x", "a=y"]])
def test_sources_without_a_name_of_their_own_are_refused(sources: list[str]) -> None:
    with pytest.raises(ValueError, match=r"NAME=FOLDER|names of records must differ"):
        split_sources(sources)


def test_the_base_of_the_differences_must_be_a_source(folders: list[str]) -> None:
    with pytest.raises(ValueError, match="no source is named best"):
        record_table(folders, minus="best")
