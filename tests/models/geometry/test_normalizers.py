"""Canonical coordinates: round trips, invariances, invalid pixels, and refusals."""

import math
import time

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.geometry import (
    Extent,
    Normalizer,
    ObjectNormalizer,
    PointMap,
    SceneNormalizer,
    clip_canonical,
    default_intrinsics,
    transform_points,
    unproject,
)
from tests.support.clips.random_geometry import random_poses, random_world

SEEDS = st.integers(0, 10_000)


@given(SEEDS, st.sampled_from(["scene", "metric"]))
@settings(max_examples=30, deadline=None)
def test_inverting_undoes_applying(seed: int, mode: str) -> None:
    points = random_world(torch.Generator().manual_seed(seed), 3, 8, 9)
    normalizer = SceneNormalizer.fit(points, mode)  # type: ignore[arg-type]
    canonical = normalizer.apply(points)
    assert canonical.frame == "canonical"
    assert not canonical.xyz[~points.valid].any()
    back = normalizer.invert(canonical, "world")
    torch.testing.assert_close(back.xyz, points.xyz, atol=1e-5, rtol=1e-5)  # float32, coordinates of size 10
    assert torch.equal(back.valid, points.valid)
    assert back.frame == "world"


@given(SEEDS)
@settings(max_examples=30, deadline=None)
def test_unmapping_undoes_mapping_a_pose(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    normalizer = SceneNormalizer.fit(random_world(generator, 8, 9))
    poses = random_poses(generator, 5)
    torch.testing.assert_close(normalizer.unmap_pose(normalizer.map_pose(poses)), poses, atol=1e-5, rtol=1e-5)


@given(SEEDS)
@settings(max_examples=30, deadline=None)
def test_a_mapped_pose_carries_points_as_the_normaliser_does(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    normalizer = SceneNormalizer.fit(random_world(generator, 8, 9))
    world_T_obj = random_poses(generator, 1)[0]
    in_object = random_world(generator, 4, 4, share=2.0)
    in_world = PointMap.from_xyz(transform_points(in_object.xyz, world_T_obj), "world")
    expected = normalizer.apply(in_world).xyz
    mapped = transform_points(in_object.xyz, normalizer.map_pose(world_T_obj))
    torch.testing.assert_close(mapped, expected, atol=1e-5, rtol=1e-5)


@given(SEEDS, st.floats(-2, 2), st.tuples(*[st.floats(-20, 20)] * 3))
@settings(max_examples=40, deadline=None)
def test_scene_coordinates_ignore_global_scale_and_translation(
    seed: int, log_scale: float, translation: tuple[float, float, float]
) -> None:
    points = random_world(torch.Generator().manual_seed(seed), 2, 12, 12)
    moved = PointMap.from_xyz(points.xyz * 10**log_scale + torch.tensor(translation), "world", points.valid)
    a, b = (SceneNormalizer.fit(x).apply(x).xyz for x in (points, moved))
    # float32 of a scene that is small beside its distance from the origin: 20 m / 1 cm times 6e-8
    offset = max(1.0, math.dist(translation, (0, 0, 0)) / 10**log_scale)
    torch.testing.assert_close(a, b, atol=2e-6 * offset, rtol=1e-5)


def test_scene_scale_is_isotropic_and_spans_the_longest_axis() -> None:
    xyz = torch.stack(
        torch.meshgrid(torch.linspace(0, 8, 101), torch.linspace(0, 2, 101), torch.zeros(1), indexing="ij"), -1
    )[:, :, 0]
    normalizer = SceneNormalizer.fit(PointMap.from_xyz(xyz, "world"))
    assert normalizer.scale.item() == pytest.approx(0.96 * 8 / 2, rel=1e-5)  # 2 % are cut at either end
    assert normalizer.shift.tolist() == pytest.approx([4, 1, 0], abs=1e-5)


def test_metric_mode_divides_by_a_fixed_length_about_the_same_centre() -> None:
    points = random_world(torch.Generator().manual_seed(0), 8, 8)
    scene, metric = SceneNormalizer.fit(points), SceneNormalizer.fit(points, "metric", metric_scale=5)
    assert metric.scale.item() == 5
    assert torch.equal(metric.shift, scene.shift)


def test_clipped_scene_coordinates_reach_exactly_from_minus_one_to_one() -> None:
    points = random_world(torch.Generator().manual_seed(0), 32, 32)
    canonical = SceneNormalizer.fit(points).apply(points)
    before = canonical.xyz.clone()
    clipped = clip_canonical(canonical)
    assert clipped.xyz.amin() == -1
    assert clipped.xyz.amax() == 1
    assert torch.equal(canonical.xyz, before)
    assert before.abs().amax() > 1


@given(SEEDS)
@settings(max_examples=20, deadline=None)
def test_sixty_percent_of_broken_depth_changes_nothing(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    good = 1 + 3 * torch.rand(40, generator=generator)
    depth = torch.cat([good, torch.zeros(20), torch.full((20,), math.nan), torch.full((20,), math.inf)])
    order = torch.randperm(100, generator=generator)
    intrinsics = default_intrinsics(10, 10)
    broken = unproject(depth[order].reshape(10, 10), intrinsics)
    intact = PointMap.from_xyz(broken.xyz[broken.valid][None], "cam")
    assert intact.valid.sum() == 40
    a, b = SceneNormalizer.fit(broken), SceneNormalizer.fit(intact)
    assert torch.equal(a.scale, b.scale)
    assert torch.equal(a.shift, b.shift)
    assert torch.equal(a.apply(broken).xyz[broken.valid], b.apply(intact).xyz[0])
    mask = torch.rand(10, 10, generator=generator) < 0.7
    mask[broken.valid.nonzero().unbind(1)[0][0], broken.valid.nonzero().unbind(1)[1][0]] = True
    of_object, alone = (
        ObjectNormalizer.fit(broken, mask),
        ObjectNormalizer.fit(intact, mask[broken.valid][None]),
    )
    assert torch.equal(of_object.scale, alone.scale)
    assert torch.equal(of_object.shift, alone.shift)


def test_quantiles_equal_those_of_torch() -> None:
    points = random_world(torch.Generator().manual_seed(0), 20, 30)
    known = points.xyz[points.valid]
    lo, hi = torch.quantile(known, 0.02, 0), torch.quantile(known, 0.98, 0)
    normalizer = SceneNormalizer.fit(points)
    torch.testing.assert_close(normalizer.shift, (lo + hi) / 2)
    torch.testing.assert_close(normalizer.scale, (hi - lo).max() / 2)


def test_millions_of_points_are_thinned_the_same_way_every_time() -> None:
    points = random_world(torch.Generator().manual_seed(0), 4, 500, 500)
    a, b = SceneNormalizer.fit(points), SceneNormalizer.fit(points)
    assert torch.equal(a.scale, b.scale)
    assert torch.equal(a.shift, b.shift)
    known = points.xyz[points.valid]
    exact = (torch.quantile(known, 0.98, 0) - torch.quantile(known, 0.02, 0)).max() / 2
    assert a.scale.item() == pytest.approx(exact.item(), rel=0.02)  # sampling error of a quantile of 200 000 points


def test_an_object_lies_at_the_origin_and_its_scene_has_unit_size() -> None:
    generator = torch.Generator().manual_seed(0)
    points = random_world(generator, 16, 16, share=2.0)
    mask = torch.zeros(16, 16, dtype=torch.bool)
    mask[3:6, 4:9] = True
    canonical = ObjectNormalizer.fit(points, mask).apply(points).xyz
    assert canonical[mask].median(0).values.abs().max() < 1e-6
    assert canonical.abs().amax(-1).median().item() == pytest.approx(1, abs=1e-6)


def test_at_object_scale_the_object_itself_has_unit_size() -> None:
    points = random_world(torch.Generator().manual_seed(0), 16, 16, share=2.0)
    mask = torch.zeros(16, 16, dtype=torch.bool)
    mask[3:6, 4:9] = True
    canonical = ObjectNormalizer.fit(points, mask, "object").apply(points).xyz
    assert canonical[mask].abs().amax(-1).median().item() == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("extent", ["scene", "object"])
def test_objects_fitted_in_one_batch_are_fitted_as_one_by_one(extent: Extent) -> None:
    generator = torch.Generator().manual_seed(0)
    points = random_world(generator, 4, 12, 16, share=0.8)
    masks = torch.rand(4, 12, 16, generator=generator) < 0.3
    masks[2] &= ~points.valid[2]  # without any valid point
    batch, known = ObjectNormalizer.fit_each(points, masks, extent)
    assert known.tolist() == [True, True, False, True]
    for k in (0, 1, 3):
        alone = ObjectNormalizer.fit(points[k], masks[k], extent)
        assert torch.equal(batch.scale[k], alone.scale)
        assert torch.equal(batch.shift[k], alone.shift)


def test_a_batch_of_normalisers_maps_each_scene_by_its_own() -> None:
    generator = torch.Generator().manual_seed(0)
    points = random_world(generator, 2, 3, 4, 5)
    each = [SceneNormalizer.fit(points[i]) for i in range(2)]
    batch = Normalizer(torch.stack([n.scale for n in each]), torch.stack([n.shift for n in each]))
    poses = random_poses(generator, 6).reshape(2, 3, 4, 4)
    for i in range(2):
        assert torch.equal(batch.apply(points).xyz[i], each[i].apply(points[i]).xyz)
        assert torch.equal(batch.map_pose(poses)[i], each[i].map_pose(poses[i]))


def test_normalised_points_are_refused_everywhere_but_in_the_way_back() -> None:
    points = random_world(torch.Generator().manual_seed(0), 4, 4)
    normalizer = SceneNormalizer.fit(points)
    canonical = normalizer.apply(points)
    with pytest.raises(ValueError, match="normalised already"):
        SceneNormalizer.fit(canonical)
    with pytest.raises(ValueError, match="normalised already"):
        ObjectNormalizer.fit(canonical, canonical.valid)
    with pytest.raises(ValueError, match="normalised already"):
        normalizer.apply(canonical)
    with pytest.raises(ValueError, match="only canonical"):
        normalizer.invert(points, "world")
    with pytest.raises(ValueError, match="normalise first"):
        clip_canonical(points)


def test_a_scene_or_mask_without_any_point_is_refused() -> None:
    points = unproject(torch.zeros(4, 4), default_intrinsics(4, 4))
    with pytest.raises(ValueError, match="none of 16 pixels has a valid point"):
        SceneNormalizer.fit(points)
    seen = unproject(torch.ones(4, 4), default_intrinsics(4, 4))
    with pytest.raises(ValueError, match="the mask is off the points"):
        ObjectNormalizer.fit(seen, torch.zeros(4, 4, dtype=torch.bool))


def test_fitting_a_training_sample_is_fast() -> None:
    points = random_world(torch.Generator().manual_seed(0), 4, 64, 64)
    seconds = []
    for _ in range(20):
        start = time.perf_counter()
        SceneNormalizer.fit(points)
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 0.01  # about 1 ms on one core; a full sort of millions of points would take longer
