"""A benchmark becomes a folder that lmms-eval runs: its documents bring clips, geometry and regions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from PIL import Image

from benchmarks.region_qa.tasks.media import BoxMark, ClipFile, ClipInMemory
from benchmarks.region_qa.tasks.task import Item, Task
from region4d.lmms_eval.documents import query_of
from region4d.lmms_eval.task_folder import DOCUMENTS, write_task_folder
from scenes.clip import Clip
from scenes.questions import Question
from scenes.readers.rgbd import write_rgbd_folder
from tests.region4d.lmms_eval.conftest import Toy
from tests.support.blank_benchmark import BlankTask
from tests.support.programs.command_line import Run, assert_one_line

ASKED = Question("size", "How many?", "2", value=2.0)


class Loader(yaml.SafeLoader):
    """Reads `!function NAME` as the name."""


Loader.add_constructor("!function", lambda loader, node: loader.construct_scalar(node))


def test_documents_hold_the_clips_geometry_and_regions_of_the_items(toy: Task, documents: list[dict[str, Any]]) -> None:
    items = list(toy.items())
    assert len(items) == len(documents) == 8
    for item, document in zip(items, documents, strict=True):
        opened, query = item.open(), query_of(document)
        assert query.text == item.question.text
        assert torch.equal(query.clip.video, opened.clip.video)
        torch.testing.assert_close(query.clip.world_T_cam, opened.clip.world_T_cam, atol=1e-5, rtol=0)
        points, truth = query.clip.points(), opened.clip.points()
        assert points is not None
        assert truth is not None
        torch.testing.assert_close(points.xyz, truth.xyz, atol=2e-3, rtol=0)  # depth is rounded to millimetres
        for marked, region in zip(query.regions, opened.regions, strict=True):
            masks = {t: mask for t, mask in region.masks.items() if mask.any()}
            assert list(marked.masks) == list(masks)
            assert all(torch.equal(marked.masks[t], masks[t]) for t in masks)


def test_items_of_one_clip_share_it(documents: list[dict[str, Any]]) -> None:
    assert query_of(documents[0]).clip is query_of(documents[1]).clip
    assert query_of(documents[0]).clip is not query_of(documents[-1]).clip


def test_the_task_file_names_functions_that_exist(folder: Path) -> None:
    content = yaml.load((folder / "region4d_toy.yaml").read_text(), Loader)
    assert content["task"] == "region4d_toy"
    assert content["metadata"]["made_by"] == {"overrides": ["task=toy"]}
    names = [content[key] for key in ("doc_to_text", "doc_to_visual", "doc_to_target", "process_results")]
    for name in [*names, *(metric["aggregation"] for metric in content["metric_list"])]:
        module, _, function = name.rpartition(".")
        assert callable(getattr(import_module(module), function))


@dataclass
class PictureTask(Task):
    """One question about a box on a picture."""

    path: Path
    name: str = "picture"
    about: str = "A picture."
    pace: float = 1.0

    def items(self) -> Iterator[Item]:
        question = Question("size", "How large is <region0>?", "2", value=2.0)
        metrics = ("mra", "accuracy", "abs_rel")
        yield Item("0", "picture", ClipFile(self.path), [BoxMark((1, 2, 9, 9))], question, metrics)


def test_a_file_of_footage_stays_where_it_is_and_further_metrics_are_listed(tmp_path: Path) -> None:
    Image.new("RGB", (16, 12), (200, 30, 30)).save(tmp_path / "red.png")
    name = write_task_folder(PictureTask(tmp_path / "red.png"), tmp_path / "task", {})
    assert sorted(path.name for path in (tmp_path / "task").iterdir()) == [DOCUMENTS, f"{name}.yaml"]
    document = json.loads((tmp_path / "task" / DOCUMENTS).read_text())
    query = query_of(document)
    assert query.clip.video.shape == (1, 3, 12, 16)
    assert query.regions[0].masks[0].sum() == 7 * 8
    content = yaml.load((tmp_path / "task" / f"{name}.yaml").read_text(), Loader)
    better = {metric["metric"]: metric["higher_is_better"] for metric in content["metric_list"]}
    assert better == {"score": True, "accuracy": True, "abs_rel": False}


def test_a_picture_that_is_made_is_written(tmp_path: Path) -> None:
    write_task_folder(BlankTask(1), tmp_path / "task", {})
    one, _ = map(json.loads, (tmp_path / "task" / DOCUMENTS).read_text().splitlines())
    assert query_of(one).clip.video.shape == (1, 3, 16, 16)
    assert query_of(one).regions[0].masks[0].sum() == 8 * 8


def test_what_cannot_be_handed_over_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Item("0", "0", ClipInMemory(Clip(torch.zeros(2, 3, 8, 8, dtype=torch.uint8), torch.arange(2.0))), [], ASKED)
    monkeypatch.setattr(BlankTask, "items", lambda _: iter([made]))
    with pytest.raises(ValueError, match=r"item 0 has frames that are made .*, and no depth with poses"):
        write_task_folder(BlankTask(1), tmp_path / "task", {})
    monkeypatch.undo()
    with pytest.raises(ValueError, match="has no items"):
        write_task_folder(BlankTask(0), tmp_path / "task", {})
    assert list(tmp_path.iterdir()) == []


def test_the_command_writes_the_folder_and_refuses_wrong_names(region4d: Run, toy: Toy, tmp_path: Path) -> None:
    write_rgbd_folder(toy.clips[0], tmp_path / "room")
    words = ["data", "lmms-eval", "real_rgbd", f"task.folder={tmp_path / 'room'}", "task.categories=[nearer_camera]"]
    few = ["task.count=4", "--limit", "2", "-o", str(tmp_path / "task")]
    code, out, err = region4d(*words, *few)
    assert code == 0, err
    assert "--include_path" in out
    assert len((tmp_path / "task" / DOCUMENTS).read_text().splitlines()) == 2
    assert_one_line(region4d(*words, *few), "exists")
    assert_one_line(region4d("data", "lmms-eval", "real_rgbdd", "-o", str(tmp_path / "no")), "real_rgbd")
