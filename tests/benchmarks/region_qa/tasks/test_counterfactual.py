from __future__ import annotations

from pathlib import Path

import pytest
import torch

from benchmarks.region_qa.tasks.counterfactual import CHANGES, KIND, KINDS, ORIGINAL, CounterfactualTask, changes
from benchmarks.region_qa.tasks.task import Item
from scenes.questions import CATEGORIES, Question
from scenes.questions.again import ask_again
from scenes.questions.facts import Facts
from scenes.worlds import WorldConfig

pytestmark = pytest.mark.long  # the worlds
WORLD = WorldConfig(height=32, width=32, frames=3, motion=True, movers=1.0, objects=(4, 7))


def task(stores: Path, **options: object) -> CounterfactualTask:
    fixed = {"name": "toy", "world": WORLD, "seeds": (0, 6), "categories": list(CATEGORIES), "questions_per_clip": 24}
    return CounterfactualTask(**{**fixed, "stores": str(stores), **options})


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("worlds")


@pytest.fixture(scope="module")
def items(stores: Path) -> dict[str, Item]:
    return {item.name: item for item in task(stores).items()}


def changed(items: dict[str, Item], kind: str) -> list[tuple[Item, Item]]:
    return [(items[str(item.facts[ORIGINAL])], item) for item in items.values() if item.facts.get(KIND) == kind]


@pytest.mark.parametrize("kind", KINDS)
def test_every_change_has_questions_whose_truth_follows_and_some_whose_truth_stays(
    items: dict[str, Item], kind: str
) -> None:
    pairs = changed(items, kind)
    assert {item.facts[CHANGES] for _, item in pairs} == {True, False}
    for before, after in pairs:
        assert after.name == f"{before.name}@{kind}"
        assert after.cluster == before.cluster
        assert after.question.text == before.question.text
        assert changes(before.question, after.question) is after.facts[CHANGES]
        opened = after.open()
        assert ask_again(after.question, Facts.of(opened.clip)) == after.question  # truth of the changed clip
        assert len(opened.regions) == len(after.question.objects)


def test_halved_timestamps_change_speed_and_elapsed_time_alone(items: dict[str, Item]) -> None:
    pairs = changed(items, "timestamps_halved")
    follow = {after.question.category for _, after in pairs if after.facts[CHANGES]}
    assert follow == {"speed", "elapsed"}
    for before, after in pairs:
        assert torch.equal(after.open().clip.video, before.open().clip.video)


def test_a_shifted_mark_points_at_one_other_object_of_the_same_clip(items: dict[str, Item]) -> None:
    for before, after in changed(items, "mark_shifted"):
        assert sum(a != b for a, b in zip(before.question.objects, after.question.objects, strict=True)) == 1
        assert torch.equal(after.open().clip.video, before.open().clip.video)


def test_a_moved_object_changes_pictures_depth_and_the_truth_about_it(items: dict[str, Item]) -> None:
    for before, after in changed(items, "object_moved"):
        assert not torch.equal(after.open().clip.video, before.open().clip.video)
        first, moved = (Facts.of(item.open().clip).centre[0] for item in (before, after))
        places = [k for k in range(len(first)) if abs(first[k] - moved[k]).max() > 1e-4]
        assert len(places) == 1
        assert not after.facts[CHANGES] or places[0] in after.question.objects


def test_the_items_are_the_same_every_time_and_no_more_than_asked_for(stores: Path) -> None:
    small = task(stores, seeds=(0, 2), kinds=["mark_shifted"], most=1, controls=0)
    once, again = list(small.items()), list(small.items())
    assert [(i.name, i.question) for i in once] == [(i.name, i.question) for i in again]
    assert sum(KIND in item.facts for item in once) == 2
    assert {str(i.facts[ORIGINAL]) for i in once if KIND in i.facts} == {i.name for i in once if KIND not in i.facts}


def test_one_item_is_changed_alone_as_it_is_among_all(items: dict[str, Item], tmp_path: Path) -> None:
    whole = task(tmp_path)  # nothing is stored there
    for name in list(items)[::25]:
        alone, item = whole.item(name), items[name]
        assert (alone.question, alone.facts) == (item.question, item.facts)
        assert torch.equal(alone.open().clip.video, item.open().clip.video)
    assert not list(tmp_path.iterdir())
    with pytest.raises(ValueError, match="toy has no item 'world-0/0@upside_down'"):
        whole.item("world-0/0@upside_down")


def test_two_truths_are_apart_where_no_answer_is_right_for_both() -> None:
    def far(value: float) -> Question:
        return Question("distance", "How far?", f"{value} m", value=value, unit="m")

    assert [changes(far(1.0), far(value)) for value in (1.6, 0.6, 1.5, 1.01)] == [True, True, None, False]
    assert changes(Question("moves", "?", "A", ("yes", "no")), Question("moves", "?", "B", ("yes", "no"))) is True


def test_an_unknown_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="kinds=upside_down is unknown: choose among timestamps_halved"):
        task(tmp_path, kinds=["upside_down"])
