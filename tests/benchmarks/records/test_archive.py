"""The archive of a study: the same records in a small file, run by run."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from benchmarks.records.archive import archived_records, main, read_archive, write_archive
from benchmarks.records.manifest import collect_manifest
from benchmarks.records.record import Record, write_records
from tests.support.studies import toy_records

RUNS = ("bad", "good")


def of_arm(arm: str) -> list[Record]:
    return [r for r in toy_records(300) if r.arm == arm]


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    for arm in RUNS:
        write_records(tmp_path / "runs" / f"{arm}-seed0" / "records" / "toy", of_arm(arm), collect_manifest({}))
        (tmp_path / "runs" / f"{arm}-seed0" / "metrics.csv").write_text("step,loss\n")
        (tmp_path / "runs" / f"{arm}-seed0" / "model").mkdir()
    return tmp_path / "runs"


def archive(runs: Path, folder: Path) -> int:
    app = typer.Typer()
    app.command()(main)
    return CliRunner().invoke(app, [str(runs), str(folder)]).exit_code


def test_every_run_comes_back_as_it_was_without_what_was_trained(runs: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    assert archive(runs, kept) == 0
    found = archived_records(kept, "toy")
    for arm in RUNS:
        assert {r.item: r for r in found[arm, 0]} == {r.item: r for r in of_arm(arm)}
        assert (kept / f"{arm}-seed0" / "records" / "toy" / "manifest.json").is_file()
        assert (kept / f"{arm}-seed0" / "metrics.csv").is_file()
        assert not (kept / f"{arm}-seed0" / "model").exists()
    whole = sum(f.stat().st_size for f in runs.rglob("records.jsonl"))
    assert sum(f.stat().st_size for f in kept.rglob("*.xz")) < whole / 20


def test_runs_that_come_again_replace_their_answers_and_the_others_stay(runs: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    assert archive(runs, kept) == 0
    shutil.rmtree(runs / "bad-seed0")
    again = [replace(record, prediction="again") for record in of_arm("good")]
    write_records(runs / "good-seed0" / "records" / "toy", again, collect_manifest({}))
    assert archive(runs, kept) == 0
    found = archived_records(kept, "toy")
    assert {r.item: r for r in found["bad", 0]} == {r.item: r for r in of_arm("bad")}
    assert {r.item: r for r in found["good", 0]} == {r.item: r for r in again}


def test_a_folder_without_records_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert archive(tmp_path / "empty", tmp_path / "kept") == 2
    assert not (tmp_path / "kept").exists()
    assert archived_records(tmp_path / "empty", "toy") == {}


def test_a_cut_archive_says_so(tmp_path: Path) -> None:
    path = tmp_path / "toy.jsonl.xz"
    write_archive(path, toy_records())
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(ValueError, match="is cut, or no archive"):
        read_archive(path)
