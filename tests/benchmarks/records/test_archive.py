"""The archive of a study: the same records in a small file, and one line a run."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.records.archive import archived_runs, read_archive, read_runs, write_archive
from benchmarks.records.live_runs import measured_methods, trained_runs
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


def test_every_run_comes_back_as_it_was_without_what_was_trained(runs: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    write_archive(kept, *trained_runs(runs))
    for arm in RUNS:
        assert read_archive(kept)["toy", arm, 0] == of_arm(arm)
        assert list(read_runs(kept)[f"{arm}-seed0"].manifests) == ["toy"]
        assert read_runs(kept)[f"{arm}-seed0"].curve == "step,loss\n"
    assert archived_runs(kept) == {"bad-seed0", "good-seed0"}
    assert sorted(path.name for path in kept.iterdir()) == ["records.jsonl.xz", "runs.jsonl.xz"]
    whole = sum(f.stat().st_size for f in runs.rglob("records.jsonl"))
    assert sum(f.stat().st_size for f in kept.rglob("*.xz")) < whole / 10


def test_runs_that_come_again_replace_their_answers_and_the_others_stay(runs: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    write_archive(kept, *trained_runs(runs))
    shutil.rmtree(runs / "bad-seed0")
    again = [replace(record, prediction="again") for record in of_arm("good")]
    write_records(runs / "good-seed0" / "records" / "toy", again, collect_manifest({"again": True}))
    write_archive(kept, *trained_runs(runs))
    assert read_archive(kept)["toy", "bad", 0] == of_arm("bad")
    assert read_archive(kept)["toy", "good", 0] == again
    assert read_runs(kept)["good-seed0"].manifests["toy"].config == {"again": True}
    assert archived_runs(kept) == {"bad-seed0", "good-seed0"}


def test_a_task_that_is_added_to_a_run_keeps_the_others(runs: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    write_archive(kept, *trained_runs(runs))
    shutil.rmtree(runs / "good-seed0" / "records" / "toy")
    more = [replace(record, task="more") for record in of_arm("good")]
    write_records(runs / "good-seed0" / "records" / "more", more, collect_manifest({}))
    write_archive(kept, *trained_runs(runs))
    assert sorted(read_runs(kept)["good-seed0"].manifests) == ["more", "toy"]
    assert read_archive(kept)["toy", "good", 0] == of_arm("good")


def test_the_methods_of_a_lifting_study_are_runs_too(tmp_path: Path) -> None:
    write_records(tmp_path / "records" / "toy" / "good", of_arm("good"), collect_manifest({}))
    (run,), records = measured_methods(tmp_path)
    assert (run.name, run.arm, list(run.manifests)) == ("good-toy", "good", ["toy"])
    assert records == of_arm("good")


def test_a_folder_without_an_archive_holds_nothing(tmp_path: Path) -> None:
    assert read_archive(tmp_path) == read_runs(tmp_path) == {}
    assert archived_runs(tmp_path / "none") == frozenset()


def test_a_cut_archive_says_so(runs: Path, tmp_path: Path) -> None:
    write_archive(tmp_path / "kept", *trained_runs(runs))
    path = tmp_path / "kept" / "records.jsonl.xz"
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(ValueError, match="is truncated, or not an archive"):
        read_archive(tmp_path / "kept")
