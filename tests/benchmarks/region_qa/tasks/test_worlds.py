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


def test_the_same_set_has_the_same_digest_and_another_one_is_refused(stores: Path) -> None:
    digest = digest_of(task(stores).items())
    assert task(stores, digest=digest).items()
    with pytest.raises(ValueError, match="toy has changed"):
        task(stores, digest=digest, seed=1).items()


def test_marked_on_the_first_frame_the_same_questions_point_with_one_mask(stores: Path) -> None:
    tracks, first = task(stores).items(), task(stores, marked="first_frame").items()
    assert digest_of(tracks) == digest_of(first)
    assert any(len(region.masks) > 1 for item in tracks for region in item.regions)
    for one, other in zip(first, tracks, strict=True):
        for marked, track in zip(one.regions, other.regions, strict=True):
            assert list(marked.masks) == [min(track.masks)]


def test_kept_categories_keep_the_names_of_their_items(stores: Path) -> None:
    every = {item.name: item.question for item in task(stores).items()}
    kept = task(stores, asked=["elapsed"]).items()
    assert {item.question.category for item in kept} == {"elapsed"}
    assert all(every[item.name] == item.question for item in kept)


def test_halved_and_shuffled_clocks_change_seconds_and_nothing_else(stores: Path) -> None:
    true, half, other = (task(stores, clock=clock).items() for clock in ("true", "half", "shuffled"))
    assert digest_of(true) == digest_of(half) == digest_of(other)
    for item, slow in zip(true, half, strict=True):
        torch.testing.assert_close(slow.clip.seconds, 0.5 * item.clip.seconds)
    clocks = {item.cluster: item.clip.seconds for item in true}
    names = list(clocks)
    told = {item.cluster: item.clip.seconds for item in other}
    assert all(torch.equal(told[name], clocks[names[(k + 1) % 4]]) for k, name in enumerate(names))


@pytest.mark.parametrize(
    ("options", "said"),
    [({"clock": "fast"}, "half"), ({"marked": "boxes"}, "first_frame"), ({"asked": ["speed"]}, "does not draw speed")],
)
def test_a_wrong_option_is_named(stores: Path, options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        task(stores, **options)
