"""Pictures of meshes agree with their truth, whatever they stand on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from models.geometry import invert, transform_points, unproject
from scenes.arrangements import store as store_module
from scenes.arrangements.arrangement import ArrangementConfig
from scenes.arrangements.store import FORMAT, MeshObjectStore
from scenes.masked_object import MaskedObject
from scenes.meshes.sources import MeshFolder
from scenes.sensor_depth import SensorDepth
from tests.support.meshes import write_meshes

SCALES = [0.45668268, 0.11954378, 0.23670219]  # cubes of seeds 0 to 2, metres
CONFIG = ArrangementConfig(height=32, width=32, resolution=8, clutter=(2, 3), smallest=0.02)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> MeshFolder:
    return MeshFolder(write_meshes(tmp_path_factory.mktemp("meshes") / "things"))


@pytest.fixture(scope="module")
def items(source: MeshFolder) -> list[MaskedObject]:
    return MeshObjectStore(source, CONFIG, range(12)).draw(range(12))


def test_visible_points_lie_on_the_object_of_the_truth(source: MeshFolder, items: list[MaskedObject]) -> None:
    for item in items:
        points = unproject(item.depth, item.intrinsics).xyz[item.mask]
        in_cube = transform_points(points, invert(item.cam_T_obj)) / item.scale
        away = source[item.index].caster.distance(in_cube)
        assert float(away.max()) < 1e-4


def test_seeds_take_the_objects_in_turn_and_stand_them_upright(source: MeshFolder, items: list[MaskedObject]) -> None:
    assert [item.family for item in items[:5]] == [*source.names, source.names[0]]
    for item in items:
        solid = source[item.index]
        assert CONFIG.sizes[0] <= float(item.scale * solid.extents.max()) <= CONFIG.sizes[1]
        assert torch.equal(item.distance, solid.distance_grid(8))
        assert item.mask.float().mean() >= CONFIG.smallest
        assert 0 <= item.occlusion <= CONFIG.most_hidden + 1e-6


@pytest.mark.parametrize("place", ["floor", "table", "shelf", "stack"])
def test_the_support_is_seen_right_below_the_object(source: MeshFolder, place: str) -> None:
    config = replace(CONFIG, places=(place,), clutter=(0, 0), height=64, width=64, apparent=(0.3, 0.5))
    (item,) = MeshObjectStore(source, config, range(1)).draw(range(1))
    up = item.cam_T_obj[:3, 2]
    bottom = item.cam_T_obj[:3, 3] - up * item.scale * source[0].extents[2] / 2
    others = unproject(item.depth, item.intrinsics).xyz[~item.mask & (item.depth > 0)]
    height = (others - bottom) @ up
    around = (others - bottom).norm(dim=-1) < 0.7 * item.scale
    assert float(height[around].abs().quantile(0.5)) < 1e-4  # most of what is near lies on the support's plane


def test_the_same_seed_gives_the_same_bytes_and_clutter_hides(source: MeshFolder, items: list[MaskedObject]) -> None:
    again = MeshObjectStore(source, CONFIG, range(12)).draw(range(3, 5))
    for one, other in zip(items[3:5], again, strict=True):
        assert all(
            torch.equal(torch.as_tensor(v), torch.as_tensor(getattr(other, k)))
            for k, v in vars(one).items()
            if k != "family"
        )
    assert any(item.occlusion > 0.1 for item in items)


def test_the_draws_of_a_seed_are_those_of_the_format(items: list[MaskedObject]) -> None:
    drawn = [float(item.scale) for item in items[:3]]
    assert (FORMAT, drawn) == (1, pytest.approx(SCALES, rel=1e-5))


def test_a_sensor_changes_depth_alone(source: MeshFolder, items: list[MaskedObject]) -> None:
    noisy = MeshObjectStore(source, replace(CONFIG, sensor=SensorDepth()), range(1)).draw(range(1))[0]
    assert torch.equal(noisy.image, items[0].image)
    assert torch.equal(noisy.mask, items[0].mask)
    assert 0 < int((noisy.depth == 0).sum()) < noisy.depth.numel() / 2


def test_items_are_written_once_and_clustered_by_object(
    source: MeshFolder, items: list[MaskedObject], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "SHARD", 4)
    store = MeshObjectStore(source, CONFIG, range(4), tmp_path)
    store.render(workers=1)
    assert torch.equal(store[2].image, items[2].image)
    assert store.cluster(store[0], 0) == "ball" == store.cluster(items[4], 4)
    assert store.solid(store[0]).watertight
    assert not store.solid(store[1]).looks.texture  # as it goes to other processes
    other = MeshObjectStore(source, replace(CONFIG, cut=0.5), range(4), tmp_path)
    assert other.key != store.key


def test_what_cannot_be_arranged_is_said(source: MeshFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match=r"places=\[\] has none: choose from floor, table, shelf, stack"):
        replace(CONFIG, places=())
    with pytest.raises(ValueError, match=r"sizes=\[2\.0, 1\.0\] is no range"):
        replace(CONFIG, sizes=(2.0, 1.0))
    monkeypatch.setattr(store_module, "TRIES", 3)
    with pytest.raises(ValueError, match=r"no picture of ball shows 90\.0% of its pixels in 3 arrangements"):
        MeshObjectStore(source, replace(CONFIG, smallest=0.9, clutter=(0, 0)), range(1)).draw(range(1))
