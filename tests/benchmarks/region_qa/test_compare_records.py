from pathlib import Path

import pytest
from typer.testing import CliRunner

from benchmarks.records.manifest import Manifest
from benchmarks.records.record import write_records
from benchmarks.region_qa.compare_records import app, named_records
from tests.support.studies import toy_records

MANIFEST = Manifest({}, "abc", "a machine", {}, "0123456789abcdef", "2026-01-01")


@pytest.fixture
def folders(tmp_path: Path) -> list[str]:
    for arm in ("bad", "good"):
        write_records(tmp_path / arm, toy_records(arms=(arm,)), MANIFEST)
    return [f"before={tmp_path}/bad", f"after={tmp_path}/good"]


def test_records_of_any_arms_are_compared_item_by_item(folders: list[str], tmp_path: Path) -> None:
    found = CliRunner().invoke(app, [*folders, "--output", str(tmp_path / "table.md")])
    assert found.exit_code == 0, found.output
    text = (tmp_path / "table.md").read_text()
    assert "| before | after | after - before [95 %] |" in text.splitlines()[0]
    assert "**+0.500 [+0." in text
    assert "- after: commit abc, checkpoint 0123456789ab" in text


@pytest.mark.parametrize("sources", [["folder"], ["a=x", "a=y"]])
def test_sources_without_a_name_of_their_own_are_refused(sources: list[str]) -> None:
    with pytest.raises(ValueError, match=r"NAME=FOLDER|name of its own"):
        named_records(sources)
