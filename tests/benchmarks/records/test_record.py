"""Records go to disk whole and come back the same, or say what is wrong."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch

from benchmarks.comparison.comparison import pair_records
from benchmarks.records.manifest import collect_manifest, read_manifest
from benchmarks.records.record import Record, read_records, write_records

RECORD = Record(
    task="worlds_static",
    item="7/0",
    cluster="7",
    arm="3d",
    seed=0,
    metrics={"score": 1.0},
    category="distance",
    question="How far is <region0> from <region1>?",
    options=(),
    answer="1.4 m",
    value=1.43,
    unit="m",
    prediction="1.4 m",
    parsed=1.4,
)
UNPARSED = replace(RECORD, item="7/1", options=("red", "blue"), prediction="où ?\n", parsed=None, reason="free text")


def write(folder, *records):
    write_records(folder, records, collect_manifest({"steps": 10}))


def test_records_and_manifest_come_back_as_they_were_written(tmp_path):
    write(tmp_path / "run", RECORD, UNPARSED)
    assert read_records(tmp_path / "run") == [RECORD, UNPARSED]
    assert len((tmp_path / "run" / "records.jsonl").read_text().splitlines()) == 2
    manifest = read_manifest(tmp_path / "run")
    assert manifest.config == {"steps": 10}
    assert (
        manifest.versions["torch"] == torch.__version__.split("+")[0] or torch.__version__ in manifest.versions["torch"]
    )
    assert manifest.time.endswith("+00:00")


def test_a_failed_write_leaves_the_old_file_and_no_draft(tmp_path):
    write(tmp_path, RECORD)
    with pytest.raises(ValueError, match="not JSON compliant"):
        write(tmp_path, replace(RECORD, metrics={"score": float("nan")}))
    assert read_records(tmp_path) == [RECORD]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["manifest.json", "records.jsonl"]


def test_missing_files_say_how_they_are_made(tmp_path):
    with pytest.raises(FileNotFoundError, match="no records in"):
        read_records(tmp_path)


def test_a_cut_line_is_named(tmp_path):
    write(tmp_path, RECORD, UNPARSED)
    path = tmp_path / "records.jsonl"
    path.write_text(path.read_text()[:-20])
    with pytest.raises(ValueError, match=r"records\.jsonl line 2 is not JSON"):
        read_records(tmp_path)


def test_a_line_of_other_fields_is_named(tmp_path):
    (tmp_path / "records.jsonl").write_text(json.dumps({"task": "x", "points": 3}) + "\n")
    with pytest.raises(ValueError, match=r"line 1 is not a record.*points"):
        read_records(tmp_path)
    old = {**vars(RECORD), "score": 1.0}
    del old["metrics"]
    (tmp_path / "records.jsonl").write_text(json.dumps(old) + "\n")
    with pytest.raises(
        ValueError, match=r"not a record of this version: missing or unknown fields metrics, score; remove"
    ):
        read_records(tmp_path)


def test_an_item_that_occurs_twice_is_refused(tmp_path):
    write(tmp_path, RECORD, RECORD)
    with pytest.raises(ValueError, match="item 7/0 of 3d occurs twice"):
        read_records(tmp_path)


def test_arms_pair_by_item_and_seed_in_any_order():
    other = [replace(UNPARSED, arm="2d"), replace(RECORD, arm="2d", metrics={"score": 0.0})]
    assert pair_records([RECORD, UNPARSED], other) == [(RECORD, other[1]), (UNPARSED, other[0])]


def test_arms_with_different_items_or_questions_do_not_pair():
    with pytest.raises(ValueError, match="1 items have no partner, first worlds_static 7/1 of seed 0"):
        pair_records([RECORD, UNPARSED], [RECORD])
    with pytest.raises(ValueError, match="another question"):
        pair_records([RECORD], [replace(RECORD, answer="1.5 m")])
