"""Runs of a study are found by the manifests in its folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.records.live_runs import measured_methods, trained_runs
from benchmarks.records.manifest import Manifest
from benchmarks.records.record import Record, write_records

RECORD = Record(task="near", item="0", cluster="0", arm="3d", seed=2, metrics={"score": 1.0})
MANIFEST = Manifest({}, "abc", "a machine", {"torch": "2"}, "", "2026-01-01")


def write_run(folder: Path, task: str, arm: str) -> None:
    write_records(folder / "records" / task, [replace(RECORD, task=task, arm=arm)], MANIFEST)


def test_a_trained_run_has_its_tasks_configuration_curve_and_probes(tmp_path: Path) -> None:
    run = tmp_path / "3d-seed2"
    for task in ("near", "far"):
        write_run(run, task, "3d")
    (run / "config.yaml").write_text("seed: 2\n")
    (run / "metrics.csv").write_text("step,loss\n")
    (run / "probes.json").write_text('{"depth": [0.5]}')
    (found,), records = trained_runs(tmp_path)
    assert (found.name, found.arm, found.seed) == ("3d-seed2", "3d", 2)
    assert dict(found.manifests) == {"near": MANIFEST, "far": MANIFEST}
    assert (found.config, found.curve, found.probes) == ("seed: 2\n", "step,loss\n", {"depth": [0.5]})
    assert [record.task for record in records] == ["far", "near"]


def test_a_run_without_a_log_or_probes_has_none(tmp_path: Path) -> None:
    write_run(tmp_path / "2d-seed2", "near", "2d")
    ((found,), _) = trained_runs(tmp_path)
    assert (found.config, found.curve, found.probes) == ("", "", None)


def test_a_task_that_is_not_finished_is_left_out(tmp_path: Path) -> None:
    for task in ("near", "far"):
        write_run(tmp_path / "3d-seed2", task, "3d")
    (tmp_path / "3d-seed2" / "records" / "far" / "manifest.json").unlink()
    write_run(tmp_path / "4d-seed2", "near", "4d")
    (tmp_path / "4d-seed2" / "records" / "near" / "manifest.json").unlink()
    ((found,), records) = trained_runs(tmp_path)
    assert list(found.manifests) == ["near"]
    assert [record.task for record in records] == ["near"]


def test_a_method_of_lifting_is_one_run_a_test_set(tmp_path: Path) -> None:
    for test, method in (("easy", "flow"), ("easy", "box"), ("hard", "flow")):
        record = replace(RECORD, task=test, arm=method)
        write_records(tmp_path / "records" / test / method, [record], MANIFEST)
    runs, records = measured_methods(tmp_path)
    assert [(run.name, run.arm, list(run.manifests)) for run in runs] == [
        ("box-easy", "box", ["easy"]),
        ("flow-easy", "flow", ["easy"]),
        ("flow-hard", "flow", ["hard"]),
    ]
    assert [(record.task, record.arm) for record in records] == [("easy", "box"), ("easy", "flow"), ("hard", "flow")]


def test_a_folder_without_runs_has_none_and_a_broken_file_is_named(tmp_path: Path) -> None:
    assert trained_runs(tmp_path) == measured_methods(tmp_path) == ([], [])
    write_run(tmp_path / "3d-seed2", "near", "3d")
    (tmp_path / "3d-seed2" / "records" / "near" / "records.jsonl").write_text("{\n")
    with pytest.raises(ValueError, match=r"records\.jsonl line 1 is not JSON"):
        trained_runs(tmp_path)
