"""Masked objects are what their worlds say, as hidden as was asked for, and come back from disk as they were."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from models.geometry import invert, transform_points, unproject
from scenes.masked_object import MARGIN, MaskedObject
from scenes.storage import shards
from scenes.worlds import WorldConfig
from scenes.worlds.masked_objects import MaskedObjectConfig, MaskedObjectStore, draw_masked_objects
from scenes.worlds.objects.solid import signed_distance

WORLD = WorldConfig(height=48, width=64, frames=1, objects=(6, 10), cameras=("static",), noise=0.0)
CROWDED = MaskedObjectConfig(WORLD, bins=((0.2, 0.5),), sky=0.0, resolution=12)
ALONE = MaskedObjectConfig(WORLD, bins=(), sky=1.0, resolution=12)


def draw_one(seed: int, config: MaskedObjectConfig) -> MaskedObject:
    """Draw the object of one seed that shares its worlds with no other."""
    return draw_masked_objects(range(seed, seed + 1), config)[0]


@pytest.fixture(scope="module", params=[3, 4])
def hidden(request: pytest.FixtureRequest) -> MaskedObject:
    return draw_one(request.param, CROWDED)


def test_visible_points_lie_on_the_surface_of_the_object(hidden: MaskedObject) -> None:
    obj = MaskedObjectStore(CROWDED, range(1)).world_object(hidden)
    points = unproject(hidden.depth, hidden.intrinsics).xyz[hidden.mask]
    on_object = transform_points(points, invert(hidden.cam_T_obj))
    assert float(signed_distance(obj, on_object).abs().max()) < 1e-3
    assert float(on_object.abs().max()) <= MARGIN * float(hidden.scale) / 2 + 1e-3


def test_the_object_is_as_hidden_as_its_bin_asks_for(hidden: MaskedObject) -> None:
    assert 0.1 < float(hidden.occlusion) < 0.6  # judged at half the resolution
    assert float(hidden.mask.float().mean()) > 0.005


def test_the_distance_grid_is_that_of_the_solid_in_its_cube(hidden: MaskedObject) -> None:
    assert hidden.distance.shape == (12, 12, 12)
    inside = float((hidden.distance <= 0).float().mean())
    assert 0 < inside < MARGIN**3
    border = hidden.distance.clone()
    border[1:-1, 1:-1, 1:-1] = 1
    assert float(border.min()) > 0


def test_alone_means_not_hidden_and_sky_has_no_depth() -> None:
    items = [draw_one(seed, ALONE) for seed in range(4)]
    assert all(float(item.occlusion) == 0 for item in items)
    assert all(bool((item.depth[item.mask] > 0).all()) for item in items)
    assert any(bool((item.depth == 0).any()) for item in items)  # some cameras look down


def test_objects_come_back_from_disk_and_the_same_seed_gives_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shards, "SHARD", 2)
    store = MaskedObjectStore(ALONE, range(2, 4), tmp_path)
    with pytest.raises(FileNotFoundError, match="render"):
        store[0]
    store.render(workers=1)
    read, drawn = store[1], draw_one(3, ALONE)
    for name, value in vars(drawn).items():
        if isinstance(value, torch.Tensor):
            torch.testing.assert_close(getattr(read, name), value, atol=1e-3, rtol=1e-3)
        else:
            assert getattr(read, name) == value


def test_impossible_wishes_are_one_clear_line() -> None:
    with pytest.raises(ValueError, match="one frame"):
        MaskedObjectConfig(WorldConfig(frames=2))
    with pytest.raises(ValueError, match=r"none of 24 .* has an object covering 99\.0 % of the image"):
        draw_one(0, MaskedObjectConfig(WORLD, smallest=0.99))


def test_seeds_that_share_worlds_take_different_objects_and_do_not_depend_on_other_groups() -> None:
    shared = replace(CROWDED, bins=((0.0, 0.2), (0.2, 0.5)), per_world=4)
    items = draw_masked_objects(range(8), shared)
    assert len({(item.world_seed, item.index) for item in items}) == 8
    assert len({item.world_seed for item in items}) < 8
    again = draw_masked_objects(range(4, 8), shared)[2]
    assert (again.world_seed, again.index) == (items[6].world_seed, items[6].index)
    assert torch.equal(again.image, items[6].image)
    with pytest.raises(ValueError, match="divide"):
        MaskedObjectStore(replace(CROWDED, per_world=3), range(1))
