from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.region_qa.corpus_scores.detection import asked_annotations, average_precision

ROWS = [
    {"id": k, "image_id": k // 6, "category_id": 1 + k % 2, "bbox": [10 * (k % 6), 0, 9, 9], "area": 81, "iscrowd": 0}
    for k in range(1, 11)  # COCO's evaluation takes 0 for no annotation
]
CROWD = {"id": 11, "image_id": 0, "category_id": 1, "bbox": [0, 0, 90, 60], "area": 5400, "iscrowd": 1}
CONTENT = {
    "images": [{"id": 0, "height": 64, "width": 96}, {"id": 1, "height": 64, "width": 96}],
    "categories": [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}],
    "annotations": [*ROWS, CROWD],
}


def test_annotations_that_were_asked_about_stay_with_their_images_and_crowds() -> None:
    kept = asked_annotations(CONTENT, {1, 2})
    assert [row["id"] for row in kept["annotations"]] == [1, 2, 11]
    assert [row["id"] for row in kept["images"]] == [0]
    assert asked_annotations(CONTENT, range(1, 11)) == CONTENT


def test_two_right_answers_of_ten_are_all_that_was_asked(tmp_path: Path) -> None:
    pytest.importorskip("pycocotools", reason="pycocotools is not installed")
    (tmp_path / "a.json").write_text(json.dumps(CONTENT))
    assert average_precision(tmp_path / "a.json", {1: 2, 2: 1}).value == pytest.approx(1.0)
    assert average_precision(tmp_path / "a.json", {1: 2, 2: 2}).value == pytest.approx(0.5)  # one of each category
