"""What every downloaded benchmark refuses in one line that names file and item, and how depth is estimated."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.region_qa.tasks.media import ClipFile, EstimatedDepth
from benchmarks.region_qa.tasks.published.scenes.scans import ScannedScene
from benchmarks.region_qa.tasks.task import Task
from region4d.configuration.compose import build, compose_config
from tests.support.published.regions import write_r4d_bench
from tests.support.published.scenes import SCENE, write_mmscan, write_scan2cap, write_scanqa
from tests.support.published.videos import write_dsr_bench, write_sti_bench, write_vsi_bench

Writer = Callable[[Path], list[str]]


def made(*words: str) -> Task:
    task = build(compose_config("bench", [*words]).task)
    assert isinstance(task, Task)
    return task


@pytest.mark.parametrize(
    ("write", "questions", "change", "said"),
    [
        (write_r4d_bench, "test.json", {"options": None}, "item r0 is not in the published layout: 'NoneType'"),
        (write_scanqa, "ScanQA_v1.0_val.json", {"answers": []}, f"item val-{SCENE}-0: it has no answer"),
        (
            write_scanqa,
            "ScanQA_v1.0_val.json",
            {"answers": 3},
            f"item val-{SCENE}-0: its answers are not a list, but 3",
        ),
        (write_scan2cap, "scan2cap_val_llava_style.json", {"annotations": []}, "item 0: it has no answer"),
        (write_scan2cap, "scan2cap_val_llava_style.json", {"metadata": 3}, "item 0 is not in the published layout"),
        (write_sti_bench, "qa.json", {"Candidates": ["left"]}, "item 0 is not in the published layout: 'list'"),
        (write_dsr_bench, "benchmark.json", {"options": "[1"}, "item 0: its field options is not JSON"),
    ],
)
def test_a_row_that_is_not_in_the_layout_is_named(
    tmp_path: Path, write: Writer, questions: str, change: dict[str, Any], said: str
) -> None:
    task = made(*write(tmp_path))
    rows = json.loads((tmp_path / questions).read_text())
    (tmp_path / questions).write_text(json.dumps([rows[0] | change]))
    with pytest.raises(ValueError, match=f"{questions} {said}"):
        list(task.items())


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"3", "has no list"),
        (b"\xff\xfe", "is not text"),
        (b"[" * 100_000, "nested too deeply"),
        (b"[3]", "row 1 has no"),
    ],
)
def test_a_file_that_is_none_of_questions_is_named(tmp_path: Path, content: bytes, said: str) -> None:
    task = made(*write_dsr_bench(tmp_path))
    (tmp_path / "benchmark.json").write_bytes(content)
    with pytest.raises(ValueError, match=rf"benchmark\.json.*{said}"):
        list(task.items())


def test_a_damaged_parquet_table_is_named(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    (tmp_path / "qa.parquet").write_bytes(b"PAR1" + b"x" * 100 + b"PAR1")
    with pytest.raises(ValueError, match=r"qa\.parquet is not a Parquet table, or it is damaged"):
        list(made("task=published/sti_bench", f"task.folder={tmp_path}").items())


def test_depth_is_estimated_of_footage_that_has_none(tmp_path: Path) -> None:
    video = next(iter(made(*write_vsi_bench(tmp_path), "task.depth=some-model").items()))
    assert video.media == EstimatedDepth(ClipFile(tmp_path / "scannet" / "s1.mp4", 32), "some-model")
    scanqa = made(*write_scanqa(tmp_path), "task.depth=some-model")
    scan = next(iter(scanqa.items()))
    assert scan.media == EstimatedDepth(ScannedScene(tmp_path / "scans" / SCENE, 32), "some-model")
    assert scanqa.protocol.depth == "some-model"
    with pytest.raises(ValueError, match=r"scene0011_00 has depth: leave out task\.depth"):
        scan.open()


@pytest.mark.parametrize("write", [write_mmscan, write_scan2cap])
def test_boxes_need_the_depth_of_the_scans(tmp_path: Path, write: Writer) -> None:
    with pytest.raises(ValueError, match=r"needs the depth and the poses of the scans: leave out task\.depth"):
        made(*write(tmp_path), "+task.depth=some-model")
