"""Advice, exit state and text of the report; checkpoints that are not whole."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from models.checkpoint_registry import ShippedCheckpoint
from region4d.doctor import report as reports
from region4d.doctor.machine import Limits
from region4d.doctor.report import Part, Report, advise, examine_checkpoint, to_text

GPU = {"name": "NVIDIA H200", "free_bytes": 10**11, "total_bytes": 15 * 10**10}
HEALTHY = Report(
    version="0.2.0",
    python="3.11.7",
    system="Linux x86_64",
    base={"torch": Part("works", "fine"), "checkpoint lift_tiny": Part("works", "whole")},
    extras={"geom": Part("works", "fine", "lifting"), "flash": Part("absent", "pip install 'region4d[flash]'", "GPU")},
    cores=8,
    limits=Limits(),
    memory_bytes=64 * 10**9,
    torch={"threads": 8, "gpus": [GPU], "mps": False},
    waiting="OMP_WAIT_POLICY=PASSIVE",
    disks={"/cache": 10**12},
)
BROKEN = Part("broken", "crashed with SIGSEGV", "lifting")


def test_where_all_is_well_there_is_no_advice() -> None:
    assert HEALTHY.works
    assert advise(HEALTHY) == []
    text = to_text(HEALTHY)
    for part in ("pip install 'region4d[flash]'", "100.0 of 150.0 GB free", "8 CPU cores", "nothing to do"):
        assert part in text


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"extras": {"geom": BROKEN}}, ["geom is broken (crashed with SIGSEGV)", "region4d[geom]"]),
        ({"base": {"checkpoint lift_tiny": BROKEN}}, ["checkpoint lift_tiny", "install region4d again"]),
        ({"limits": Limits(2.5)}, ["8 threads", "2.5 cores", "OMP_NUM_THREADS=2"]),
        ({"waiting": "OMP_WAIT_POLICY=active"}, ["OMP_WAIT_POLICY=active", "leave it out"]),
        ({"torch": {"threads": 8, "gpus": [], "mps": False}}, ["no GPU"]),
        ({"disks": {"/cache": 10**9}}, ["/cache has 1.0 GB left"]),
        ({"limits": Limits(None, 10**9)}, ["1.0 GB of memory"]),
    ],
)
def test_each_finding_gets_one_line_of_advice(changed: dict, words: list[str]) -> None:
    (line,) = advise(replace(HEALTHY, **changed))
    for word in words:
        assert word in line


def test_a_broken_part_is_a_fault_and_an_absent_one_is_not() -> None:
    assert not replace(HEALTHY, extras={"geom": BROKEN}).works
    assert replace(HEALTHY, extras={"geom": Part("absent", "pip")}).works


def test_a_checkpoint_that_is_cut_or_changed_or_missing_is_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.checkpoint_registry.CHECKPOINTS", tmp_path)
    whole = b"weights"
    shipped = ShippedCheckpoint("tiny", "", "model.safetensors", hashlib.sha256(whole).hexdigest(), len(whole), "")
    (tmp_path / "tiny").mkdir()
    assert examine_checkpoint(shipped).detail.endswith("is missing")
    states = []
    for content in (whole, whole[:-1], b"weightz"):
        (tmp_path / "tiny" / "model.safetensors").write_bytes(content)
        states.append(examine_checkpoint(shipped).state)
    assert states == ["works", "broken", "broken"]


def test_the_disk_of_a_folder_that_is_not_there_yet_is_that_above_it(tmp_path: Path) -> None:
    assert reports.free_bytes(tmp_path / "a" / "b") > 0
