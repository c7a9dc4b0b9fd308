"""A trained model that answers about regions, boxes and paths."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.regions import Region
from region4d.loading import LoadedModel, load
from scenes.clip import Clip
from scenes.readers.rgbd import write_rgbd_folder
from scenes.worlds import WorldConfig, make_world, render

BOXES = [(41, 33, 69, 85), (131, 92, 170, 164)]
NEARER = "At the start, which is nearer to the camera? (A) <region0> (B) <region1>"


@pytest.fixture(scope="module")
def model() -> LoadedModel:
    return load(device="cpu")


@pytest.fixture(scope="module")
def room() -> Clip:
    """The room that the examples ask about, as `region4d worlds --export --seed 6 --frames 4` renders it."""
    world = make_world(6, WorldConfig(height=192, width=256, frames=4, motion=False))
    return render([world], "cpu", signals=())[0]


def test_regions_boxes_and_paths_are_answered_alike(model: LoadedModel, room: Clip, tmp_path: Path) -> None:
    write_rgbd_folder(room, tmp_path / "room")
    regions = [Region.from_box(box, *room.size) for box in BOXES]
    answers = [model.ask(room, NEARER, regions), model.ask(room, NEARER, BOXES)]
    answers += [model.ask(path, NEARER, BOXES) for path in (tmp_path / "room", str(tmp_path / "room"))]
    assert answers == ["B"] * 4


def test_a_question_about_no_region_needs_none(model: LoadedModel, room: Clip) -> None:
    with pytest.raises(ValueError, match="mentions <region0>, but 0 regions were given"):
        model.ask(room, "What colour is <region0>?")


@pytest.mark.parametrize(
    ("question", "boxes", "message"),
    [
        ("How far is <region0> from <region1> at the start?", [(0, 0, 9, 9)], "<region1>"),
        ("What colour is it?", [(0, 0, 9, 9)], "no question mentions <region0>: mention every region"),
        ("Is <region0> flibbertigibbet?", [(0, 0, 9, 9)], "flibbertigibbet"),
        ("What colour is <region0>?", [(0, 0, 9)], "four numbers"),
    ],
)
def test_a_question_that_does_not_fit_is_refused(
    model: LoadedModel, room: Clip, question: str, boxes: list[tuple[float, ...]], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        model.ask(room, question, boxes)


def test_a_path_without_anything_is_named(model: LoadedModel, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        model.ask(tmp_path / "nowhere", "What colour is <region0>?", [(0, 0, 9, 9)])
