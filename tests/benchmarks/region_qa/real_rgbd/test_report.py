from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.records.archive import Run, write_archive
from benchmarks.records.manifest import Manifest
from benchmarks.region_qa.real_rgbd.report import CATEGORIES, real_rgbd_report
from tests.support.studies import record

MANIFEST = Manifest({"command": "region4d records real-rgbd ROOM"}, "abc", "a machine", {}, "", "2026-01-01")


def test_every_arm_is_scored_and_the_noise_control_stands_beside_it(tmp_path: Path) -> None:
    records = [
        replace(record(arm, n, category, arm == "3D" or n % 2 == 0), task="room_single_view")
        for arm in ("2D", "3D")
        for n in range(8)
        for category in CATEGORIES
    ]
    write_archive(tmp_path, [Run(arm, arm, 0, {"room_single_view": MANIFEST}) for arm in ("2D", "3D")], records)
    report = real_rgbd_report(tmp_path)
    assert "## room_single_view" in report
    assert "| higher | 8 | 1.000 | 1.000 [1.000, 1.000] | 0.500 [" in report
    assert "- command: region4d records real-rgbd ROOM" in report
    assert "geometry read-out" in report


def test_a_folder_without_answers_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="has no archived answers"):
        real_rgbd_report(tmp_path)
