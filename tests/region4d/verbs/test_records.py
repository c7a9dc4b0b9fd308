"""`region4d records` archives runs, compares what it archived, and fills documents."""

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from shutil import copytree

import pytest

from benchmarks.geometry.routes import ROUTES, PoseRecord
from benchmarks.records.archive import archived_runs
from benchmarks.records.manifest import collect_manifest
from benchmarks.records.record import write_records
from benchmarks.report.docs_tables import ROOT, fill_documents
from region4d.verbs import records
from region4d.verbs.records import FIRST_SEED, poses
from tests.support.programs.command_line import Run, assert_one_line
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


def test_docs_fills_the_tables_of_extractors(tmp_path: Path, region4d: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "fill_documents", partial(fill_documents, tmp_path))  # the repository stays as it is
    whole = (ROOT / "docs" / "extractors.md").read_text()
    (tmp_path / "docs").mkdir()
    copytree(ROOT / "results" / "extractors", tmp_path / "results" / "extractors")
    page = tmp_path / "docs" / "extractors.md"
    page.write_text("".join(line for line in whole.splitlines(keepends=True) if not line.startswith("| `")))
    code, out, err = region4d("records", "docs")
    assert code == 0, err
    assert "docs/extractors.md" in out.replace("\n", "") + err.replace("\n", "")
    assert page.read_text() == whole


def test_the_costs_of_extractors_are_refused_where_no_sizes_are_published(region4d: Run, tmp_path: Path) -> None:
    assert_one_line(
        region4d("records", "extractors", "pixels", "-o", str(tmp_path / "out")), "no published sizes of pixels", "wan"
    )
    assert not (tmp_path / "out").exists()


def test_a_stopped_measurement_continues_and_its_report_has_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured: list[tuple[int, bool]] = []

    def measure_worlds(jobs: Iterable[tuple[int, bool]], workers: int) -> Iterator[list[PoseRecord]]:
        for seed, moving in jobs:
            if len(measured) == 3:
                raise KeyboardInterrupt
            measured.append((seed, moving))
            kind = "moving" if moving else "static"
            yield [PoseRecord(route, f"world-{seed}", kind, 1.0, 0.1, 0.001) for route in ROUTES]

    monkeypatch.setattr("benchmarks.geometry.routes.measure_worlds", measure_worlds)
    with pytest.raises(KeyboardInterrupt):
        poses(worlds=2, room=None, workers=1, output=tmp_path)
    assert not (tmp_path / "report.md").exists()
    before = list(measured)
    measured.clear()
    draft = (tmp_path / "poses.jsonl").read_text()
    poses(worlds=2, room=None, workers=1, output=tmp_path)
    assert sorted(before + measured) == [(FIRST_SEED + i, moving) for i in range(2) for moving in (False, True)]
    report = (tmp_path / "report.md").read_text()
    assert "| static: odometry | 2 | 1.00 [1.00, 1.00] |" in report
    assert "| moving: odometry | 2 |" in report
    (tmp_path / "poses.jsonl").write_text(draft[:-9])  # stopped before the draft was removed, and cut
    poses(worlds=2, room=None, workers=1, output=tmp_path)
    assert "| static: odometry | 2 |" in (tmp_path / "report.md").read_text()
    assert not (tmp_path / "poses.jsonl").exists()


def test_the_card_of_an_item_is_one_file(world_study: Path, tmp_path: Path, region4d: Run) -> None:
    study, card = world_study, tmp_path / "card.html"
    code, _, err = region4d("records", "card", str(study), "world-41/1", "-o", str(card))
    assert code == 0, err
    assert "✓ right" in card.read_text()
    assert_one_line(region4d("records", "card", str(study), "world-41/1", "-o", str(card)), "card.html exists")
    other = tmp_path / "other.html"
    assert_one_line(region4d("records", "card", str(study), "world-7/1", "-o", str(other)), "has no item 'world-7/1'")
    assert_one_line(region4d("records", "card", str(tmp_path), "world-7/1", "-o", str(other)), "holds no records")
    assert not other.exists()
