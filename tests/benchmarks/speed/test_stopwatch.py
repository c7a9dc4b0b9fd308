"""Rivals are timed in turns, and the record holds what was timed."""

import json
from pathlib import Path

import pytest
import torch

from benchmarks.records.manifest import collect_manifest
from benchmarks.speed.stopwatch import Race, print_races, race, races_table, write_races

CPU = torch.device("cpu")


def test_arms_run_in_turns_after_a_warm_up() -> None:
    runs: list[str] = []
    result = race("task", {"ours": lambda: runs.append("a"), "other": lambda: runs.append("b")}, 2.0, 3, CPU)
    assert runs == ["a", "b"] * 4
    assert [len(seconds) for seconds in result.seconds.values()] == [3, 3]


def test_the_record_holds_medians_and_ratios(tmp_path: Path) -> None:
    result = Race("task", {"ours": [1.0, 9.0, 2.0], "other": [8.0, 7.0, 90.0]}, at_least=3.0)
    write_races(tmp_path / "speed" / "r.json", "python -m it", [result], collect_manifest({"threads": 1}))
    record = json.loads((tmp_path / "speed" / "r.json").read_text())
    assert record["command"] == "python -m it"
    assert record["config"] == {"threads": 1}
    assert record["tasks"]["task"]["arms"]["other"] == {"median_s": 8, "times_ours": 4, "seconds": [8, 7, 90]}
    assert (tmp_path / "speed" / "table.md").read_text() == races_table(tmp_path / "speed")


def test_the_table_of_a_folder_has_a_row_for_every_rival_and_a_note_for_every_record(tmp_path: Path) -> None:
    rivals = {"ours": [0.002, 0.002, 0.9], "stock": [0.005, 0.004, 0.006], "slow": [0.02, 0.02, 0.02]}
    manifest = collect_manifest({})
    write_races(tmp_path / "r.json", "python -m it", [Race("pool", rivals, at_least=2.0)], manifest)
    rows = [line for line in races_table(tmp_path).splitlines() if line.startswith("| pool")]
    assert rows == ["| pool | stock | 2.50 | 2 | 2.0 ms |", "| pool | slow | 10.00 |  | 2.0 ms |"]
    assert f"- r.json: `python -m it`, commit {manifest.commit}, {manifest.machine}" in races_table(tmp_path)


def test_medians_are_printed_beside_the_aim(capsys: pytest.CaptureFixture[str]) -> None:
    print_races([Race("pool", {"ours": [0.002], "stock": [0.005], "slow": [0.02]}, at_least=2.0)])
    rows = [line.split() for line in capsys.readouterr().out.splitlines() if " ms" in line]
    cells = [[word for word in row if word not in ("│", "┃")] for row in rows]
    assert cells == [
        ["pool", "ours", "2.0", "ms", "1.0"],
        ["stock", "5.0", "ms", "2.5", ">=", "2"],
        ["slow", "20.0", "ms", "10.0"],
    ]
