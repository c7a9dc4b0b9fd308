from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.region_qa.scoring import score_items
from benchmarks.region_qa.tasks.task import Task
from region4d.configuration.compose import build, compose_config
from tests.support.published.regions import write_blink_depth


def task(folder: Path, *words: str) -> Task:
    made = build(compose_config("bench", [*write_blink_depth(folder), *words]).task)
    assert isinstance(made, Task)
    return made


def test_the_layout_is_read_and_its_prompt_is_asked(tmp_path: Path) -> None:
    items = list(task(tmp_path).items())
    assert items[0].question.text.startswith("Which point is closer to the camera?")
    records = score_items("blink", items, ["(A)", "A is closer", "B"], "arm", 0)
    assert [record.score for record in records] == [1.0, 0.0, 0.0]


def test_points_become_squares_of_a_twentieth_of_the_shorter_side(tmp_path: Path) -> None:
    item = next(iter(task(tmp_path, "task.marks=regions", "task.regions=points.json").items()))
    assert item.question.text == "Which of the two regions is closer to the camera: (A) <region0> or (B) <region1>?"
    point, _ = item.open().regions
    rows, columns = point.masks[0].nonzero().unbind(1)  # 3.2 pixels around (20, 30)
    assert (int(rows.min()), int(rows.max()), int(columns.min()), int(columns.max())) == (28, 31, 18, 21)


def test_pictures_inside_a_table_are_read(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    import pyarrow

    write_blink_depth(tmp_path)
    rows = json.loads((tmp_path / "val.json").read_text())
    for row in rows:
        row["image_1"] = {"bytes": (tmp_path / row["image_1"]).read_bytes(), "path": None}
    parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "val.parquet")
    first, *_ = task(tmp_path, "task.questions=val.parquet").items()
    assert first.open().clip.size == (64, 96)


def test_hidden_answers_and_missing_regions_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="the published files have no coordinates"):
        list(task(tmp_path, "task.marks=regions").items())
    (tmp_path / "few.json").write_text("[]")
    with pytest.raises(ValueError, match=r"few\.json has 0 regions of it, expected 2"):
        list(task(tmp_path, "task.marks=regions", "task.regions=few.json").items())
    made = task(tmp_path)
    rows = json.loads((tmp_path / "val.json").read_text())
    (tmp_path / "val.json").write_text(json.dumps([{**rows[0], "answer": "hidden"}]))
    with pytest.raises(ValueError, match="the answers of the test split are hidden"):
        list(made.items())
