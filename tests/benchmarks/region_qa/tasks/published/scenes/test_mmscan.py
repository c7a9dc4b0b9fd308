from __future__ import annotations

import json
from math import pi
from pathlib import Path

import pytest
import torch

from benchmarks.region_qa.scoring import score_items
from benchmarks.region_qa.tasks.published.scenes.mmscan import MmScan, group_of
from benchmarks.region_qa.tasks.published.scenes.scans import Box3dMark
from models.regions import Region
from region4d.configuration.compose import build, compose_config
from tests.support.published.scenes import SCENE, write_mmscan


def made(folder: Path, *words: str) -> MmScan:
    task = build(compose_config("bench", [*write_mmscan(folder), *words]).task)
    assert isinstance(task, MmScan)
    return task


def span(region: Region) -> tuple[int, int, int, int]:
    rows, columns = region.masks[0].nonzero().unbind(1)
    return int(columns.min()), int(columns.max()), int(rows.min()), int(rows.max())


def test_a_question_points_at_its_boxes_which_may_be_turned(tmp_path: Path) -> None:
    one, two, room = made(tmp_path).items()  # the scan of another collection is not asked about
    assert one.question.text == 'Given the 3D scene, answer the question: "What colour is this object?" at "<region0>".'
    assert two.question.text.endswith('at "<region0>, <region1>".')
    assert room.question.text.endswith('"Is there a wall?" according to the given 3D scene.')
    assert [item.question.category for item in (one, two, room)] == ["STa", "OOs", "STa"]
    assert (one.cluster, list(room.marks)) == (f"scannet/{SCENE}", [])
    wall, tall = two.open().regions
    assert span(wall) == (24, 39, 16, 31)
    # 0.5 m wide and 0.25 m high, turned upright by a quarter about y: 8 pixels wide and 16 high, 16 to the right
    assert span(tall) == (44, 51, 16, 31)


def test_angles_turn_about_z_then_x_then_y() -> None:
    about_zx, about_zy = ((pi / 2, pi / 2, 0.0), (pi / 2, 0.0, pi / 2))
    turned = [Box3dMark((1.0, 2.0, 3.0), (1.0, 1.0, 1.0), angles).world_T_box() for angles in (about_zx, about_zy)]
    # Rz Rx: x goes to y, y to z, z to x; Rz Ry: x goes to -z, y to -x, z to y
    assert torch.allclose(turned[0][:3, :3], torch.tensor([[0.0, 0, 1], [1, 0, 0], [0, 1, 0]]), atol=1e-6)
    assert torch.allclose(turned[1][:3, :3], torch.tensor([[0.0, -1, 0], [0, 0, 1], [-1, 0, 0]]), atol=1e-6)
    assert turned[0][:3, 3].tolist() == [1, 2, 3]


def test_answers_are_scored_by_hand(tmp_path: Path) -> None:
    items = list(made(tmp_path).items())
    right = score_items("mmscan", items, ["It is blue", "The first one", "yes"], "a", 0)
    assert [record.score for record in right] == [1, 1, 1]
    near = score_items("mmscan", items, ["A blue wall", "first", "No"], "a", 0)
    assert [record.score for record in near] == [0, 0, 0]
    assert [record.metrics["refined_match"] for record in near] == [1, 1, 0]
    task = made(tmp_path, "task.collection=")
    assert len(list(task.items())) == 4
    assert task.corpus_scores(right)["BLEU-1"].value == pytest.approx(1.0)


def test_groups_are_those_of_the_benchmark() -> None:
    names = "Inter_Attribute_OO Inter_Space_OO Single_EQ Single_Attribute Inter_OR Single_Space Advanced x"
    assert list(map(group_of, names.split())) == ["OOa", "OOs", "STa", "STa", "OR", "STs", "Advanced", "others"]


def test_a_damaged_row_is_refused(tmp_path: Path) -> None:
    task = made(tmp_path)
    path = tmp_path / "MMScan_samples" / "MMScan_QA.json"
    rows = json.loads(path.read_text())["val"]
    path.write_text(json.dumps({"val": [{**rows[0], "input_bboxes": [[1, 2, 3]]}]}))
    with pytest.raises(ValueError, match=r"a box has 9 numbers \(centre, extents and angles\), got \[1, 2, 3\]"):
        list(task.items())
    path.write_text(json.dumps({"val": [{**rows[0], "answers": []}]}))
    with pytest.raises(ValueError, match="QA_Single_Attribute_Color__0: it has no answer"):
        list(task.items())
    with pytest.raises(ValueError, match="collection=scanet is unknown: choose one of scannet, 3rscan, matterport3d"):
        made(tmp_path, "task.collection=scanet")
    path.write_text(json.dumps({"train": rows}))
    with pytest.raises(ValueError, match="has no list 'val'"):
        list(task.items())
