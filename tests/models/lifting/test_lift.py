"""Lifting end to end with untrained networks: placement, batches, colours, and every refusal in one line."""

import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, get_args

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from models.geometry import (
    Normalizer,
    ObjectNormalizer,
    PointMap,
    default_intrinsics,
    transform,
    transform_points,
    unproject,
)
from models.lifting import Guidance, LiftedObject, LiftingModel, Sampling, lift, lift_many
from models.lifting.checkpoint import load_model
from models.lifting.fitting.consensus import most_agreed
from models.lifting.fitting.pose_fitting import Fit
from models.lifting.fitting.samples import SAMPLE_SEED_STEP, PosedSample, ShapeFitter, fit_pose, refine_samples
from models.lifting.fitting.shape_fitting import ROUNDS
from models.lifting.inputs.masked_picture import MaskedPicture
from models.lifting.lift import finish
from models.lifting.meshes.mesh import extract_mesh
from models.lifting.networks.conditioning import Condition
from models.lifting.networks.flow_transformer import Latents
from models.lifting.networks.pose_encoding import encode_pose
from models.lifting.options import Fitting
from region4d.verbs.lift import SHIPPED
from tests.support.lifting import SeenObject

QUICK = Sampling(steps=3, guidance=Guidance(2.0, point_weight=1.0))


def lift_fitted(model: LiftingModel, seen: SeenObject, fit: Fitting) -> LiftedObject:
    """Lift the seen object quickly."""
    return lift(seen.image, seen.mask, seen.points, model=model, sampling=replace(QUICK, fit=fit), seed=7)


def residual_of(lifted: LiftedObject) -> float:
    """Take the residual of an object with points."""
    assert lifted.residual is not None
    return lifted.residual


class KnownFlow(nn.Module):
    """A flow that ends at given latents, whatever it starts from and sees."""

    def __init__(self, latents: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.latents = latents
        self.token_shapes = {key: tuple(value.shape[1:]) for key, value in latents.items()}

    def forward(self, latents: Latents, time: Tensor, step: Tensor, context: Tensor) -> dict[str, Tensor]:
        """Point from the latents to where they end."""
        return {key: (self.latents[key] - value) / (1 - time[:, None, None]) for key, value in latents.items()}


def flow_to(seen: SeenObject, cam_T_obj: Tensor, shape: Tensor) -> KnownFlow:
    """Build a flow that ends at a pose of the seen object, and at a shape latent."""
    normalizer = ObjectNormalizer.fit(seen.points, seen.mask)
    batch = Normalizer(normalizer.scale[None], normalizer.shift[None])
    return KnownFlow(encode_pose(cam_T_obj[None], torch.tensor([seen.scale]), batch) | {"shape": shape})


@pytest.fixture
def perfect(tiny: LiftingModel, seen: SeenObject, monkeypatch: pytest.MonkeyPatch) -> LiftingModel:
    """Networks that give the truth about the seen object: what is left to test is everything around them."""
    tiny.flow = flow_to(seen, seen.cam_T_obj, torch.zeros(1, 8, 8))  # type: ignore[assignment]
    monkeypatch.setattr(tiny.vae, "inside", lambda decoded: seen.inside(32)[None])
    return tiny


@dataclass
class Refinement:
    """What `refine_samples` is given for the seen object, with a first sample at the true pose."""

    model: LiftingModel
    picture: MaskedPicture
    first: PosedSample

    def run(self, shape_fitter: ShapeFitter, pose_fitter: Callable[..., PosedSample] | None = None) -> PosedSample:
        """Refine and return the sample that is kept."""
        condition, shapes = Condition(torch.zeros(1, 5, 24), 1), torch.zeros(1, 8, 8)
        given = [self.picture], condition, shapes, [self.first], [7]
        return refine_samples(self.model, *given, shape_fitter=shape_fitter, pose_fitter=pose_fitter)[1][0]


@pytest.fixture
def refinement(perfect: LiftingModel, seen: SeenObject) -> Refinement:
    picture = MaskedPicture(seen.image.float() / 255, seen.mask, seen.points)
    start = Fit(seen.cam_T_obj.double().numpy(), seen.scale)
    return Refinement(perfect, picture, fit_pose(0, picture, seen.inside(32), start, "pose"))


def test_a_perfect_model_places_the_object_on_its_points_in_its_colours(
    perfect: LiftingModel, seen: SeenObject
) -> None:
    lifted = lift(seen.image, seen.mask, seen.points, model=perfect)
    torch.testing.assert_close(lifted.cam_T_obj, seen.cam_T_obj, atol=1e-5, rtol=1e-5)
    assert lifted.scale == pytest.approx(seen.scale, rel=1e-5)
    assert lifted.support is not None
    assert lifted.support > 0.99
    points = seen.points.xyz[seen.mask & seen.points.valid]
    mesh = lifted.in_camera()
    distance, nearest = torch.cdist(points, mesh.vertices).min(1)
    assert distance.median() < 0.02 * seen.scale  # vertices lie a voxel (1/32) apart
    error = mesh.colours[nearest].float() - seen.image[:, seen.mask & seen.points.valid].T.float()
    assert error.abs().mean() < 25  # of 255; a texture changes within the distance of two vertices


def test_a_fit_moves_a_lifted_shape_onto_its_points(perfect: LiftingModel, seen: SeenObject) -> None:
    aside = seen.cam_T_obj.clone()
    aside[:3, 3] += 0.1 * seen.scale
    perfect.flow = flow_to(seen, aside, torch.zeros(1, 8, 8))  # type: ignore[assignment]
    plain = lift(seen.image, seen.mask, seen.points, model=perfect)
    fitted = lift(seen.image, seen.mask, seen.points, model=perfect, sampling=Sampling(fit="pose"))
    assert plain.residual is not None
    assert fitted.residual is not None
    assert fitted.residual < 0.5 * plain.residual
    assert (fitted.cam_T_obj[:3, 3] - seen.cam_T_obj[:3, 3]).norm() < 0.05 * seen.scale
    assert fitted.cam_T_obj.dtype == plain.cam_T_obj.dtype


def test_a_stretch_is_part_of_the_mesh_that_is_given(seen: SeenObject) -> None:
    stretch, true = np.array([0.9, 1.0, 1.3]), seen.cam_T_obj.double().numpy()
    posed = PosedSample(extract_mesh(seen.inside(32)), Fit(true, seen.scale, 0.0, stretch))
    lifted = finish(MaskedPicture(seen.image.float() / 255, seen.mask, seen.points), posed)
    np.testing.assert_allclose(lifted.in_camera().vertices.numpy(), posed.surface, atol=1e-5)
    assert float(lifted.mesh.vertices.abs().max()) <= 0.5


def test_each_round_fits_what_the_last_one_left_in_another_noise(refinement: Refinement, seen: SeenObject) -> None:
    noises, starts = [], []

    def marked(model: LiftingModel, shapes: Tensor, noise: Latents, *_: object) -> Tensor:
        starts.append(float(shapes.mean()))
        noises.append(noise["shape"])
        return torch.full_like(shapes, float(len(starts)))

    residuals = iter(range(ROUNDS, 0, -1))
    first = refinement.first
    refinement.first = PosedSample(first.mesh, replace(first.fit, residual=ROUNDS + 1.0))
    last = refinement.run(
        marked, lambda *_: PosedSample(first.mesh, replace(first.fit, residual=float(next(residuals))))
    )
    assert last.fit.residual == 1
    assert starts == pytest.approx(list(range(ROUNDS)))
    assert not any(torch.equal(one, other) for one, other in itertools.pairwise(noises))


@pytest.mark.long
def test_a_fitted_shape_agrees_better_with_its_points_than_its_pose_alone(seen: SeenObject) -> None:
    trained, fits = load_model(SHIPPED), get_args(Fitting)
    found = [lift_fitted(trained, seen, fit) for fit in fits]
    residuals = [residual_of(lifted) for lifted in found]
    assert fits == ("none", "pose", "shape")
    assert residuals[2] < residuals[1] < residuals[0]
    assert not torch.equal(found[2].mesh.vertices, found[1].mesh.vertices)


def test_a_fit_that_agrees_worse_is_not_kept(
    refinement: Refinement, seen: SeenObject, monkeypatch: pytest.MonkeyPatch
) -> None:
    crumb = torch.full((1, 32, 32, 32), -1.0)
    crumb[0, 0, 0, 0] = 1
    fields = iter([crumb] * ROUNDS)
    monkeypatch.setattr(refinement.model.vae, "inside", lambda decoded: next(fields))
    assert refinement.run(lambda model, shapes, *_: shapes) is refinement.first
    assert next(fields, None) is None


def test_where_a_fit_leaves_no_surface_the_object_stays_as_it_was_and_its_neighbour_is_fitted(
    tiny: LiftingModel, seen: SeenObject, monkeypatch: pytest.MonkeyPatch
) -> None:
    some_shape = torch.randn(1, 8, 8, generator=torch.Generator().manual_seed(0))
    tiny.flow = flow_to(seen, seen.cam_T_obj, some_shape)  # type: ignore[assignment]
    placed = lift_fitted(tiny, seen, "pose")
    true = torch.nn.functional.avg_pool3d(seen.inside(32)[None], 4)
    inside, fields = tiny.vae.inside, iter([None, *[torch.cat([torch.full_like(true, -1.0), true])] * (ROUNDS + 1)])

    def decoded(tokens: torch.Tensor) -> torch.Tensor:
        if tokens.requires_grad:  # a guidance step
            return inside(tokens)
        instead = next(fields)
        return inside(tokens) if instead is None else instead

    monkeypatch.setattr(tiny.vae, "inside", decoded)
    sampling = replace(QUICK, fit="shape")
    twice = lift_many([seen.image] * 2, [seen.mask] * 2, [seen.points] * 2, model=tiny, sampling=sampling, seeds=[7, 7])
    assert residual_of(twice[0]) == pytest.approx(residual_of(placed), rel=1e-3)
    assert residual_of(twice[1]) < residual_of(placed)


def test_of_several_samples_the_one_is_kept_that_most_agree_on(tiny: LiftingModel, seen: SeenObject) -> None:
    kept = set()
    for seed in range(4):
        seeds = [seed + k * SAMPLE_SEED_STEP for k in range(3)]
        each = lift_many([seen.image] * 3, [seen.mask] * 3, [seen.points] * 3, model=tiny, sampling=QUICK, seeds=seeds)
        assert len({one.residual for one in each}) == 3
        surfaces = [one.in_camera().vertices.double().numpy() for one in each]
        expected = most_agreed(surfaces, [residual_of(one) for one in each]).index
        best = lift(seen.image, seen.mask, seen.points, model=tiny, sampling=replace(QUICK, best_of=3), seed=seed)
        torch.testing.assert_close(best.cam_T_obj, each[expected].cam_T_obj, atol=1e-4, rtol=1e-4)
        kept.add(expected)
    assert len(kept) > 1  # not always the first


def test_a_sample_without_a_surface_is_left_out_of_the_choice(
    tiny: LiftingModel, seen: SeenObject, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = tiny.vae.inside
    empty = torch.tensor([1.0, 0.0, 1.0])[:, None, None, None]
    monkeypatch.setattr(tiny.vae, "inside", lambda decoded: torch.where(empty > 0, -1.0, inside(decoded)))
    best = lift(seen.image, seen.mask, seen.points, model=tiny, sampling=replace(QUICK, best_of=3), seed=7)
    monkeypatch.undo()
    second = lift(seen.image, seen.mask, seen.points, model=tiny, sampling=QUICK, seed=7 + SAMPLE_SEED_STEP)
    assert residual_of(best) == pytest.approx(residual_of(second), rel=1e-3)
    monkeypatch.setattr(tiny.vae, "inside", lambda decoded: inside(decoded).clamp(max=-0.1))
    with pytest.raises(ValueError, match="object 0: the decoded field has no inside"):
        lift(seen.image, seen.mask, seen.points, model=tiny, sampling=replace(QUICK, best_of=3), seed=7)


@pytest.mark.parametrize("wish", ["pose", "shape"])
def test_without_points_nothing_is_fitted(tiny: LiftingModel, seen: SeenObject, wish: Any) -> None:
    with pytest.raises(ValueError, match="object 0: fits to visible points need a point map"):
        lift(seen.image, seen.mask, None, model=tiny, sampling=replace(QUICK, fit=wish))


@pytest.mark.parametrize("wish", [{"best_of": 2}, {"shape": "auto"}, {"shape": "hull"}])
def test_without_points_or_a_camera_nothing_is_chosen(
    tiny: LiftingModel, seen: SeenObject, wish: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match=r"object 0: .* need depth or a camera"):
        lift(seen.image, seen.mask, None, model=tiny, sampling=replace(QUICK, **wish))


def test_without_points_the_mask_tells_the_best_of_several_samples(tiny: LiftingModel, seen: SeenObject) -> None:
    seeds = [5 + k * SAMPLE_SEED_STEP for k in range(4)]
    views = [seen.image] * 4, [seen.mask] * 4, [None] * 4
    each = lift_many(*views, intrinsics=[seen.intrinsics] * 4, model=tiny, sampling=QUICK, seeds=seeds)
    agreements = [one.judgement.network for one in each if one.judgement is not None]
    missing = [agreement.disagreement for agreement in agreements if agreement is not None]
    assert len(set(missing)) == 4
    expected = most_agreed([one.in_camera().vertices.double().numpy() for one in each], missing).index
    best = lift(
        seen.image, seen.mask, intrinsics=seen.intrinsics, model=tiny, sampling=replace(QUICK, best_of=4), seed=5
    )
    torch.testing.assert_close(best.cam_T_obj, each[expected].cam_T_obj, atol=1e-4, rtol=1e-4)


def test_the_support_falls_where_the_mesh_misses_the_points(seen: SeenObject) -> None:
    picture = MaskedPicture(seen.image.float() / 255, seen.mask, seen.points)
    mesh = extract_mesh(seen.inside(32))
    assert (picture.support(mesh.vertices, seen.cam_T_obj, seen.scale, 0.05) or 0) > 0.99
    aside = seen.cam_T_obj.clone()
    aside[0, 3] += seen.scale
    assert (picture.support(mesh.vertices, aside, seen.scale, 0.05) or 0) < 0.2


def test_an_untrained_model_lifts_something_finite_and_repeats_it_with_the_seed(
    tiny: LiftingModel, seen: SeenObject
) -> None:
    a, b, c = (lift(seen.image, seen.mask, seen.points, model=tiny, sampling=QUICK, seed=seed) for seed in (0, 0, 1))
    assert a.in_camera().vertices.isfinite().all()
    assert torch.equal(a.mesh.vertices, b.mesh.vertices)
    assert torch.equal(a.cam_T_obj, b.cam_T_obj)
    assert not torch.equal(a.cam_T_obj, c.cam_T_obj)
    rotation = a.cam_T_obj[:3, :3]
    torch.testing.assert_close(rotation @ rotation.T, torch.eye(3), atol=1e-5, rtol=0)


def test_a_batch_of_objects_of_other_pictures_is_lifted_as_each_alone(tiny: LiftingModel, seen: SeenObject) -> None:
    small = slice(8, 72), slice(20, 100)
    part = MaskedPicture(
        seen.image[:, *small].float() / 255,
        seen.mask[small],
        PointMap(seen.points.xyz[small], seen.points.valid[small], "cam"),
    )
    images, masks, points = [seen.image, seen.image[:, *small]], [seen.mask, part.mask], [seen.points, part.points]
    together = lift_many(images, masks, points, model=tiny, sampling=QUICK, seeds=[3, 4])
    for k, lifted in enumerate(together):
        alone = lift(images[k], masks[k], points[k], model=tiny, sampling=QUICK, seed=3 + k)
        torch.testing.assert_close(lifted.cam_T_obj, alone.cam_T_obj, atol=1e-4, rtol=1e-4)
        assert lifted.scale == pytest.approx(alone.scale, rel=1e-4)
        torch.testing.assert_close(lifted.mesh.vertices.mean(0), alone.mesh.vertices.mean(0), atol=1e-3, rtol=0)


@pytest.mark.long
def test_fits_of_a_batch_are_no_worse_than_without(tiny: LiftingModel, seen: SeenObject) -> None:
    half = slice(8, 72), slice(20, 100)
    points = PointMap(seen.points.xyz[half], seen.points.valid[half], "cam")
    images, masks = [seen.image, seen.image[:, *half]], [seen.mask, seen.mask[half]]
    found = {
        fit: lift_many(images, masks, [seen.points, points], model=tiny, sampling=replace(QUICK, fit=fit), seeds=[3, 4])
        for fit in get_args(Fitting)
    }
    for k in range(2):
        assert residual_of(found["pose"][k]) < residual_of(found["none"][k])
        assert residual_of(found["shape"][k]) < residual_of(found["none"][k])


def test_a_known_camera_is_used_and_the_mesh_lands_at_least_as_well(perfect: LiftingModel, seen: SeenObject) -> None:
    """Depth with noise: a camera that is fitted to it is off, the known one is exact."""
    noise = 1 + 0.05 * torch.randn(seen.mask.shape, generator=torch.Generator().manual_seed(0))
    row = torch.linspace(0, 0.6, len(seen.mask))[:, None]  # and a lens that the point map bends
    bent = seen.points.xyz * torch.stack([1 + row.expand_as(noise), torch.ones_like(noise), noise], -1)
    points = PointMap(torch.where(seen.points.valid[..., None], bent, 0.0), seen.points.valid, "cam")
    fitted, known = (
        MaskedPicture(seen.image.float() / 255, seen.mask, points, camera) for camera in (None, seen.intrinsics)
    )
    assert torch.equal(known.intrinsics, seen.intrinsics)
    assert not torch.allclose(fitted.intrinsics, seen.intrinsics, rtol=0.02)
    errors = []
    for camera in (None, seen.intrinsics):
        lifted = lift(
            seen.image, seen.mask, points, intrinsics=camera, model=perfect, sampling=Sampling(steps=3, fit="pose")
        )
        true = seen.scale * extract_mesh(seen.inside(32)).vertices
        errors.append(
            float(torch.cdist(lifted.in_camera().vertices, transform_points(true, seen.cam_T_obj)).amin(1).mean())
        )
    assert errors[1] <= 1.05 * errors[0]  # the bent floor near the object weighs more than the camera


def test_without_a_known_camera_the_fitted_one_of_exact_points_gives_the_same_object(
    tiny: LiftingModel, seen: SeenObject
) -> None:
    given = [
        lift(seen.image, seen.mask, seen.points, intrinsics=camera, model=tiny, sampling=replace(QUICK, fit="pose"))
        for camera in (None, seen.intrinsics)
    ]
    assert residual_of(given[1]) == pytest.approx(residual_of(given[0]), rel=1e-2)
    torch.testing.assert_close(given[1].cam_T_obj, given[0].cam_T_obj, atol=1e-2, rtol=1e-2)


@pytest.mark.parametrize(("row", "col", "value"), [(0, 0, 0.0), (1, 1, math.nan), (2, 2, 2.0), (0, 2, math.inf)])
def test_a_camera_that_is_no_pinhole_is_refused_in_one_line(
    tiny: LiftingModel, seen: SeenObject, row: int, col: int, value: float
) -> None:
    broken = seen.intrinsics.clone()
    broken[row, col] = value
    with pytest.raises(ValueError, match="object 0: intrinsics must be finite, with positive focal lengths"):
        lift(seen.image, seen.mask, seen.points, intrinsics=broken, model=tiny, sampling=QUICK)


@pytest.mark.parametrize("broken", [0.0, -1.0, math.nan, math.inf])
def test_a_sky_is_the_same_however_its_depth_is_marked(tiny: LiftingModel, seen: SeenObject, broken: float) -> None:
    depth = seen.points.xyz[..., 2].clone()
    sky = ~seen.mask & (torch.rand(seen.mask.shape, generator=torch.Generator().manual_seed(0)) < 0.6)
    found = []
    for value in (0.0, broken):
        depth[sky] = value
        points = unproject(depth, seen.intrinsics)
        found.append(lift(seen.image, seen.mask, points, model=tiny, sampling=QUICK))
    assert torch.equal(found[0].cam_T_obj, found[1].cam_T_obj)
    assert torch.equal(found[0].mesh.vertices, found[1].mesh.vertices)
    assert torch.equal(found[0].mesh.colours, found[1].mesh.colours)


def test_a_mask_that_touches_the_border_is_lifted(tiny: LiftingModel, seen: SeenObject) -> None:
    mask = torch.zeros_like(seen.mask)
    mask[:20, :] = True
    lifted = lift(seen.image, mask, seen.points, model=tiny, sampling=QUICK)
    assert lifted.in_camera().vertices.isfinite().all()


def test_a_picture_without_points_is_lifted_by_the_average_scene_and_says_nothing_of_its_support(
    tiny: LiftingModel, seen: SeenObject
) -> None:
    first = lift(seen.image, seen.mask, model=tiny, sampling=QUICK)
    assert first.support is None
    tiny.mean_scale.fill_(2.0)
    tiny.mean_shift.fill_(0.0)
    second = lift(seen.image, seen.mask, model=tiny, sampling=QUICK)
    assert second.scale == pytest.approx(2 * first.scale, rel=1e-5)
    expected = 2 * (first.cam_T_obj[:3, 3] - torch.tensor([0, 0, 1.0]))
    torch.testing.assert_close(second.cam_T_obj[:3, 3], expected, atol=1e-5, rtol=1e-5)


def test_pictures_with_and_without_points_share_a_batch(tiny: LiftingModel, seen: SeenObject) -> None:
    twice = lift_many([seen.image] * 2, [seen.mask] * 2, [seen.points, None], model=tiny, sampling=QUICK)
    assert twice[0].support is not None
    assert twice[1].support is None


def test_broken_inputs_are_one_clear_line_that_names_the_object(tiny: LiftingModel, seen: SeenObject) -> None:
    def refused(message: str, image: torch.Tensor, mask: torch.Tensor, points: PointMap | None) -> None:
        with pytest.raises(ValueError, match=message) as error:
            lift_many([seen.image, image], [seen.mask, mask], [seen.points, points], model=tiny, sampling=QUICK)
        assert "\n" not in str(error.value)

    sky = unproject(torch.full_like(seen.points.xyz[..., 2], math.inf), default_intrinsics(*seen.mask.shape))
    world = transform(seen.points, torch.eye(4), "world")
    refused("object 1: the mask is empty", seen.image, torch.zeros_like(seen.mask), seen.points)
    refused("object 1: the mask has .* pixels and its picture", seen.image, seen.mask[:-1], seen.points)
    refused("object 1: .*none of .* pixels has a valid point", seen.image, seen.mask, sky)
    refused("object 1: .*frame 'cam'", seen.image, seen.mask, world)
    refused("object 1: .*frame 'cam'", seen.image, seen.mask, PointMap(*_cut(seen.points), "cam"))


def test_no_object_at_all_is_one_clear_error(tiny: LiftingModel) -> None:
    with pytest.raises(ValueError, match="one object or more"):
        lift_many([], [], [], model=tiny)


def _cut(points: PointMap) -> tuple[torch.Tensor, torch.Tensor]:
    return points.xyz[:-1], points.valid[:-1]
