from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks.region_qa.tasks.worlds import WorldsTask, digest_of
from scenes.worlds import WorldConfig

WORLD = WorldConfig(height=32, width=32, frames=3, motion=True, movers=1.0)
CATEGORIES = ("nearer_camera", "displacement", "elapsed")


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("worlds")


def task(stores: Path, **options: Any) -> WorldsTask:
    fixed: dict[str, Any] = {"name": "toy", "world": WORLD, "seeds": (0, 4), "categories": CATEGORIES}
    return WorldsTask(**{**fixed, "questions_per_clip": 4, "stores": str(stores), **options})


@pytest.mark.long
def test_the_same_set_has_the_same_digest_and_another_one_is_refused(stores: Path) -> None:
    digest = digest_of(task(stores).items())
    assert list(task(stores, digest=digest).items())
    with pytest.raises(ValueError, match="toy has changed"):
        task(stores, digest=digest, seed=1).items()


@pytest.mark.long
def test_marked_on_the_first_frame_the_same_questions_point_with_one_mask(stores: Path) -> None:
    tracks, first = list(task(stores).items()), list(task(stores, marked="first_frame").items())
    assert digest_of(tracks) == digest_of(first)
    assert any(len(region.masks) > 1 for item in tracks for region in item.open().regions)
    for one, other in zip(first, tracks, strict=True):
        for marked, track in zip(one.open().regions, other.open().regions, strict=True):
            assert list(marked.masks) == [min(track.masks)]


def test_kept_categories_keep_the_names_of_their_items(stores: Path) -> None:
    every = {item.name: item.question for item in task(stores).items()}
    kept = list(task(stores, asked=["elapsed"]).items())
    assert {item.question.category for item in kept} == {"elapsed"}
    assert all(every[item.name] == item.question for item in kept)


def test_halved_and_shuffled_clocks_change_seconds_and_nothing_else(stores: Path) -> None:
    true, half, other = (list(task(stores, clock=clock).items()) for clock in ("true", "half", "shuffled"))
    assert digest_of(true) == digest_of(half) == digest_of(other)
    for item, slow in zip(true, half, strict=True):
        torch.testing.assert_close(slow.open().clip.seconds, 0.5 * item.open().clip.seconds)
    clocks = {item.cluster: item.open().clip.seconds for item in true}
    names = list(clocks)
    told = {item.cluster: item.open().clip.seconds for item in other}
    assert all(torch.equal(told[name], clocks[names[(k + 1) % 4]]) for k, name in enumerate(names))


@pytest.mark.parametrize(
    ("options", "said"),
    [({"clock": "fast"}, "half"), ({"marked": "boxes"}, "first_frame"), ({"asked": ["speed"]}, "does not draw speed")],
)
def test_a_wrong_option_is_named(stores: Path, options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        task(stores, **options)


@pytest.mark.parametrize("options", [{}, {"clock": "shuffled"}, {"marked": "first_frame", "asked": ["elapsed"]}])
def test_one_item_is_rendered_alone_as_it_is_among_all(stores: Path, options: dict[str, Any]) -> None:
    whole = task(stores, **options)
    for item in list(whole.items())[::3]:
        alone = task(stores / "nowhere", **options).item(item.name)
        assert alone.question == item.question
        assert alone.cluster == item.cluster
        torch.testing.assert_close(alone.open().clip.seconds, item.open().clip.seconds)
        for one, other in zip(alone.open().regions, item.open().regions, strict=True):
            assert all(torch.equal(one.masks[frame], mask) for frame, mask in other.masks.items())
    assert not (stores / "nowhere").exists()


@pytest.mark.parametrize("name", ["world-9/0", "world-1/99", "sofa"])
def test_an_item_that_the_set_has_not_is_refused(stores: Path, name: str) -> None:
    with pytest.raises(ValueError, match="test set toy has no item"):
        task(stores).item(name)


def test_items_are_asked_one_world_after_the_other(stores: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = task(stores)
    made.store.render()
    read: list[int] = []
    inner = made.store.__class__.__getitem__
    monkeypatch.setattr(made.store.__class__, "__getitem__", lambda self, k: read.append(k) or inner(self, k))
    stream = iter(made.items())
    assert read == []
    next(stream)
    assert read == [0]
    list(stream)
    assert read == [0, 1, 2, 3]
