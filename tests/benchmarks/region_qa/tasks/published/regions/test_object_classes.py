from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.region_qa.measure import ask_item
from benchmarks.region_qa.scoring import score_items
from benchmarks.region_qa.tasks.media import BOXED, Opener
from benchmarks.region_qa.tasks.task import Task
from region4d.configuration.compose import build, compose_config
from tests.support.published.regions import write_object_classes


def task(folder: Path, *words: str) -> Task:
    made = build(compose_config("bench", [*write_object_classes(folder), *words]).task)
    assert isinstance(made, Task)
    return made


def test_the_layout_is_read_picture_by_picture_without_crowds(tmp_path: Path) -> None:
    person, light, _ = task(tmp_path).items()
    assert person.question.text == (
        "What category best describes the area represented by <region0>? "
        "Answer the question using a single word or phrase from COCO-80 categories."
    )
    assert [item.name for item in (person, light)] == ["11", "13"]
    assert person.media == light.media
    assert (person.question.answer, light.question.answer) == ("person", "traffic light")
    triangle = person.open().regions[0].masks[0]
    assert 400 < int(triangle.sum()) < 500  # half of 30 x 30 pixels
    assert int(light.open().regions[0].masks[0].sum()) == 40 * 40


def test_boxes_are_marked_when_asked(tmp_path: Path) -> None:
    person = next(iter(task(tmp_path, "task.regions=box").items()))
    assert int(person.open().regions[0].masks[0].sum()) == 30 * 30


def test_a_polygon_that_holds_no_pixel_is_asked_about_by_its_box_and_its_record_says_so(tmp_path: Path) -> None:
    made = task(tmp_path)
    path = tmp_path / "annotations" / "instances_val2017.json"
    content = json.loads(path.read_text())
    content["annotations"][0] |= {"segmentation": [[10.6, 10, 10.9, 10, 10.9, 30]], "bbox": [10.6, 10, 0.3, 20]}
    path.write_text(json.dumps(content))
    thin, light, _ = made.items()
    assert int(ask_item(thin, Opener()).query.regions[0].masks[0].sum()) == 20  # one column of pixels
    assert [dict(ask_item(item, Opener()).facts) for item in (thin, light)] == [{"marked": BOXED}, {}]


@pytest.mark.parametrize(
    ("said", "ours", "theirs"),
    [("person", 1, 1), ("A person.", 1, 0), ("Person", 1, 0), ("people", 0, 0), ("person, standing", 0, 0)],
)
def test_a_class_is_named_or_matched(tmp_path: Path, said: str, ours: int, theirs: int) -> None:
    item = next(iter(task(tmp_path).items()))
    (record,) = score_items("coco", [item], [said], "arm", 0)
    assert (record.score, record.metrics["class_match"]) == (ours, theirs)


def test_average_precision_is_that_of_coco(tmp_path: Path) -> None:
    made = task(tmp_path)
    items = list(made.items())
    score = made.corpus_scores(score_items("coco", items, ["person, a", "Traffic light", "car"], "arm", 0))["mAP"]
    if score.value is None:
        assert score.why_not == "needs pycocotools (pip install pycocotools)"
        pytest.skip(score.why_not)
    # person: 1; traffic light: one of two found, precision 1 up to recall .5, that is at 51 of 101 points
    assert score.value == pytest.approx((1 + 51 / 101) / 2)
    nothing = made.corpus_scores(score_items("coco", items, ["", "", ""], "arm", 0))["mAP"]
    assert nothing.value == 0.0


def test_lvis_has_its_own_average_precision_and_addresses(tmp_path: Path) -> None:
    write_object_classes(tmp_path)
    path = tmp_path / "annotations" / "instances_val2017.json"
    content = json.loads(path.read_text())
    content["images"] = [
        {"id": n, "coco_url": f"http://images.cocodataset.org/val2017/{n}.jpg", "height": 64, "width": 96}
        for n in (1, 2)
    ]
    (tmp_path / "lvis_v1_val.json").write_text(json.dumps(content))
    made = build(compose_config("bench", ["task=published/lvis_regions", f"task.folder={tmp_path}"]).task)
    item = next(iter(made.items()))
    assert item.question.text.endswith("from LVIS categories.")
    assert item.open().clip.size == (64, 96)
    assert made.corpus_scores([])["mAP"].why_not == "federated annotations need LVIS's own evaluation"


def test_what_is_not_in_the_layout_is_refused(tmp_path: Path) -> None:
    made = task(tmp_path)
    path = tmp_path / "annotations" / "instances_val2017.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, "categories": []}))
    with pytest.raises(ValueError, match="item 11: its picture or its category is not there"):
        list(made.items())
    path.write_text("[]")
    with pytest.raises(ValueError, match="has no list 'categories'"):
        list(made.items())
