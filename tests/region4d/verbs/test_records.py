"""`region4d records` archives runs, and compares what it archived."""

from pathlib import Path

from benchmarks.records.archive import archived_runs
from benchmarks.records.manifest import collect_manifest
from benchmarks.records.record import write_records
from tests.support.command_line import Run, assert_one_line
from tests.support.studies import toy_records


def test_live_runs_are_archived_and_compared(tmp_path: Path, region4d: Run) -> None:
    for arm in ("bad", "good"):
        folder = tmp_path / "runs" / f"{arm}-seed0" / "records" / "toy"
        write_records(folder, toy_records(8, arms=(arm,)), collect_manifest({}))
    kept = tmp_path / "kept"
    code, _, err = region4d("records", "archive", str(tmp_path / "runs"), str(kept))
    assert code == 0, err
    assert archived_runs(kept) == {"bad-seed0", "good-seed0"}
    table = tmp_path / "table.md"
    sources = [f"{arm}={kept}#{arm}-seed0" for arm in ("bad", "good")]
    code, _, err = region4d("records", "table", *sources, "--output", str(table))
    assert code == 0, err
    assert "| category | good - bad [95 %] |" in table.read_text()
    assert "- command: region4d records table 'bad=" in table.read_text()


def test_a_wrong_run_is_one_line(tmp_path: Path, region4d: Run) -> None:
    assert_one_line(region4d("records", "table", f"a={tmp_path}#none"), "has no run none")
