"""`region4d bench` on benchmarks of others, three items in each published layout."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.records.record import read_records
from tests.support.programs.command_line import Run
from tests.support.published.regions import (
    write_blink_depth,
    write_object_classes,
    write_r4d_bench,
    write_spatialrgpt_bench,
)
from tests.support.published.scenes import write_mmscan, write_scan2cap, write_scanqa, write_sqa3d
from tests.support.published.videos import write_dsr_bench

REGIONS = ("task.marks=regions", "task.regions=regions.json", "task.frames=4")
POINTS = ("task.marks=regions", "task.regions=points.json")
Layout = tuple[Callable[[Path], list[str]], tuple[str, ...], str]
LAYOUTS: dict[str, Layout] = {
    "r4d_bench": (write_r4d_bench, ("task.frames=4",), "test.json"),
    "r4d_bench with regions": (write_r4d_bench, REGIONS, "regions.json"),
    "spatialrgpt_bench": (write_spatialrgpt_bench, (), "SpatialRGPT-Bench_v1.json"),
    "blink_relative_depth": (write_blink_depth, POINTS, "val.json"),
    "coco_regions": (write_object_classes, (), "annotations/instances_val2017.json"),
    "dsr_bench": (write_dsr_bench, (), "benchmark.json"),
    "scanqa": (write_scanqa, (), "ScanQA_v1.0_val.json"),
    "sqa3d": (write_sqa3d, (), "v1_balanced_sqa_annotations_test_scannetv2.json"),
    "mmscan": (write_mmscan, (), "MMScan_samples/MMScan_QA.json"),
    "scan2cap": (write_scan2cap, (), "scan2cap_val_llava_style.json"),
}


@pytest.fixture(autouse=True)
def without_java(monkeypatch: pytest.MonkeyPatch) -> None:
    """METEOR takes seconds, where Java is."""
    monkeypatch.setattr("shutil.which", lambda name: None)


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_a_published_benchmark_is_answered_and_its_damaged_file_is_one_line(
    region4d: Run, tmp_path: Path, layout: Layout
) -> None:
    write, words, file = layout
    (tmp_path / "data").mkdir()
    asked = [*write(tmp_path / "data"), *words]
    code, out, err = region4d("bench", "model=constant:Yes", *asked, f"output={tmp_path / 'run'}")
    assert code == 0, err
    assert "protocol: revision" in out
    assert 3 <= len(read_records(tmp_path / "run")) <= 4
    path = tmp_path / "data" / file
    path.write_text(path.read_text()[:-40])
    code, out, err = region4d("bench", "model=constant:Yes", *asked, f"output={tmp_path / 'damaged'}")
    assert code == 2
    assert "is not JSON" in err.strip().splitlines()[-1]
    assert not (tmp_path / "damaged").exists()


def test_scores_of_all_answers_are_shown_and_what_was_not_computed_is_said(region4d: Run, tmp_path: Path) -> None:
    _, out, _ = region4d("bench", "model=constant:blue", *write_scanqa(tmp_path), f"output={tmp_path / 'run'}")
    assert "CIDEr" in out
    assert "not computed: needs Java and pycocoevalcap" in out
    assert "tokenizer blanks" in out


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_the_tiny_model_answers_every_benchmark(region4d: Run, tmp_path: Path, layout: Layout) -> None:
    write, words, _ = layout
    (tmp_path / "data").mkdir()
    asked = [*write(tmp_path / "data"), *words]
    code, _, err = region4d("bench", "model=sr3d_tiny_3d", *asked, f"output={tmp_path / 'run'}")
    assert code == 0, err
    assert all(record.prediction for record in read_records(tmp_path / "run"))
