"""Baselines of lifting: what they fit exactly, and what they know of a library."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from benchmarks.lifting.baselines import (
    box_around,
    fitted_box,
    fitted_ellipsoid,
    mean_shape,
    nearest_fitted,
    nearest_neighbour,
    visible_hull,
)
from benchmarks.lifting.library import Library, View, view_of
from benchmarks.lifting.methods import OracleMethod, noisy_depth
from benchmarks.lifting.scores import score
from benchmarks.lifting.truth import make_truth, outer_mesh
from scenes.masked_object import MaskedObject
from scenes.worlds import WorldConfig
from scenes.worlds.masked_objects import MaskedObjectConfig, MaskedObjectStore, draw_masked_objects

CONFIG = MaskedObjectConfig(
    WorldConfig(height=48, width=48, frames=1, objects=(1, 2), families=("tower", "chair"), cameras=("static",)),
    bins=(),
)


@pytest.fixture(scope="module")
def items() -> list[MaskedObject]:
    return draw_masked_objects(range(3), CONFIG)


@pytest.fixture(scope="module")
def library(items: list[MaskedObject]) -> Library:
    return Library.fit(items)


def seen(points: np.ndarray) -> View:
    return View(points, np.median(points, axis=0), float(np.linalg.norm(np.ptp(points, axis=0))))


def test_three_visible_faces_determine_a_box(library: Library) -> None:
    sides, rotation = np.array([1.0, 0.6, 0.4]), Rotation.from_euler("xyz", [30, 40, 50], degrees=True).as_matrix()
    grid = np.stack(np.meshgrid(*[np.linspace(-0.5, 0.5, 12)] * 2), -1).reshape(-1, 2)
    faces = [np.insert(grid, axis, -0.5, axis=1) * sides for axis in range(3)]
    centre = np.array([0.1, 0.2, 4.0])
    cam_T_box, found = box_around(seen(np.concatenate(faces) @ rotation.T + centre), library.mean_rotation)
    assert np.allclose(np.sort(found), np.sort(sides), atol=1e-6)
    assert np.allclose(cam_T_box[:3, 3], centre, atol=1e-6)
    assert np.linalg.det(cam_T_box[:3, :3]) == pytest.approx(1)
    assert fitted_box(seen(np.concatenate(faces)), library).mesh.volume == pytest.approx(sides.prod())


def test_a_flat_patch_has_a_thin_box_and_a_closed_hull(library: Library) -> None:
    grid = np.stack(np.meshgrid(np.linspace(0, 1, 9), np.linspace(0, 0.5, 9)), -1).reshape(-1, 2)
    patch = seen(np.concatenate([grid, np.full((81, 1), 3.0)], -1))
    sides = np.sort(box_around(patch, library.mean_rotation)[1])
    assert sides == pytest.approx([0.02 * patch.extent, 0.5, 1])
    assert visible_hull(patch, library).mesh.is_watertight


def test_the_front_of_a_ball_gives_a_ball_and_not_half_of_one(library: Library) -> None:
    angle, lift = np.meshgrid(np.linspace(0, 2 * np.pi, 40), np.linspace(0.1, np.pi / 2, 12))
    front = np.stack([lift_sin(lift, angle)[0], lift_sin(lift, angle)[1], -np.cos(lift)], -1).reshape(-1, 3)
    ball = fitted_ellipsoid(seen(0.5 * front + np.array([0, 0, 4.0])), library)
    extents = ball.scale * ball.mesh.extents
    assert extents.max() == pytest.approx(1, abs=0.1)
    assert extents.min() > 0.6  # the box of the points is 0.5 deep
    assert ball.cam_T_obj[2, 3] == pytest.approx(4, abs=0.2)


def lift_sin(lift: np.ndarray, angle: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.sin(lift) * np.cos(angle), np.sin(lift) * np.sin(angle)


def test_the_nearest_of_a_library_that_holds_the_object_is_the_object(
    items: list[MaskedObject], library: Library
) -> None:
    for k, item in enumerate(items):
        assert library.nearest(view_of(item)) == k
        found = nearest_neighbour(view_of(item), library)
        assert np.allclose(found.cam_T_obj, item.cam_T_obj.numpy(), atol=1e-4)
        assert found.scale == pytest.approx(float(item.scale), rel=1e-5)


def test_a_neighbour_that_stands_aside_is_fitted_to_the_points(items: list[MaskedObject], library: Library) -> None:
    aside = replace(library, centres=library.centres + 0.1)
    view = view_of(items[0])
    plain, fitted = nearest_neighbour(view, aside), nearest_fitted(view, aside)
    true = items[0].cam_T_obj[:3, 3].numpy()
    assert np.linalg.norm(fitted.cam_T_obj[:3, 3] - true) < 0.5 * np.linalg.norm(plain.cam_T_obj[:3, 3] - true)
    with pytest.raises(ValueError, match="fitting needs the depth of the picture"):
        nearest_fitted(replace(view, evidence=None), aside)


def test_the_mean_of_one_object_is_that_object(items: list[MaskedObject]) -> None:
    library = Library.fit(items[:1])
    found = mean_shape(view_of(items[0]), library)
    assert np.allclose(library.mean_rotation, items[0].cam_T_obj[:3, :3].numpy(), atol=1e-5)
    assert found.scale == pytest.approx(float(items[0].scale), rel=1e-5)
    nearest = nearest_neighbour(view_of(items[0]), library).mesh
    assert found.mesh.volume == pytest.approx(nearest.volume, rel=0.1)  # the level that holds the mean volume of voxels


def test_a_library_without_objects_is_refused() -> None:
    with pytest.raises(ValueError, match="no training object with a visible depth"):
        Library.fit([])


def test_the_grid_at_the_true_pose_is_a_high_ceiling(items: list[MaskedObject], tmp_path: object) -> None:
    solid = MaskedObjectStore(CONFIG, range(3), tmp_path).solid(items[0])  # type: ignore[arg-type]
    truth = make_truth(outer_mesh(solid), items[0])
    (found,) = OracleMethod().predict(items[:1], [0], 0)
    assert not isinstance(found, str)
    scores = score(found, truth)
    assert scores["f1_0.05"] > 0.95
    assert scores["solid_iou"] > 0.8
    assert scores["add_s"] < 0.01


def test_noisy_depth_is_wrong_by_ten_to_thirty_percent_the_same_way_each_time() -> None:
    depth = torch.full((40, 40), 2.0)
    depth[:5] = 0
    factors = [float(noisy_depth(depth, seed)[5:].median()) / 2 for seed in range(20)]
    assert all(1.09 < max(f, 1 / f) < 1.31 for f in factors)
    assert min(factors) < 1 < max(factors)
    assert torch.equal(noisy_depth(depth, 3), noisy_depth(depth, 3))
    assert not noisy_depth(depth, 3)[:5].any()
