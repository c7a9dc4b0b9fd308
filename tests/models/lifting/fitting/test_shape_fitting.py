"""Fitting the shape of a lifted object to what its picture shows and looks through."""

import pytest
import torch
from torch import Tensor

from models.lifting import LiftingModel
from models.lifting.fitting.pose_fitting import Fit
from models.lifting.fitting.shape_fitting import (
    CLEARANCE,
    GUIDANCE_STEPS,
    HUBER_DELTA,
    POINTS_PER_OBJECT,
    EvidenceInCube,
    decode_distance,
    fit_shapes,
    guidance_step,
)
from models.lifting.flow_matching.paths import draw_noise
from models.lifting.inputs.evidence import Evidence
from models.lifting.networks.conditioning import Condition
from tests.support.lifting import SeenObject


@pytest.fixture(scope="module")
def fit(seen: SeenObject) -> Fit:
    return Fit(seen.cam_T_obj.double().numpy(), seen.scale, 0.0)


def evidence_of(seen: SeenObject, fits: list[Fit], side: int) -> EvidenceInCube:
    evidence = Evidence.of(seen.points, seen.mask, seen.intrinsics)
    return EvidenceInCube.of([evidence] * len(fits), fits, side, torch.zeros(()))


def test_the_true_shape_agrees_and_one_that_is_too_fat_or_too_thin_does_not(seen: SeenObject, fit: Fit) -> None:
    evidence = evidence_of(seen, [fit], 32)
    assert bool(evidence.inside.all())
    distance = -seen.inside(32)[None]
    true = evidence.disagreement(distance)
    assert float(true) < 0.05  # pixels and voxels are coarse
    assert float(evidence.disagreement(distance + 0.5)) > float(true) + 0.2
    assert float(evidence.disagreement(distance - 0.5)) > float(true) + 0.2


def test_what_is_seen_through_must_be_clear_and_what_is_hidden_may_be_anything(seen: SeenObject, fit: Fit) -> None:
    evidence = evidence_of(seen, [fit], 32)
    distance = -seen.inside(32)[None]
    before = float(evidence.disagreement(distance))
    in_free_space = torch.where(evidence.empty, -1.0, distance)
    cost = (1 + CLEARANCE) * float(evidence.empty.sum()) / POINTS_PER_OBJECT
    assert float(evidence.disagreement(in_free_space)) > 0.9 * cost
    hidden = ~evidence.empty & (distance > 0.9)  # far from the surface, so that no visible point feels them
    assert int(hidden.sum()) > 1000
    assert float(evidence.disagreement(torch.where(hidden, -1.0, distance))) == pytest.approx(before, abs=0.02)


def test_nothing_is_beneath_the_floor(seen: SeenObject, fit: Fit) -> None:
    evidence = evidence_of(seen, [fit], 32)
    assert bool(evidence.empty[0, :, :, 0].all())  # the shape fills nine tenths of its cube
    assert not bool((evidence.empty & (seen.inside(32)[None] > 0)).any())


def test_points_outside_the_cube_do_not_pull_and_those_at_its_border_feel_the_field_alone(
    seen: SeenObject, fit: Fit
) -> None:
    away = fit.cam_T_obj.copy()
    away[:3, 3] += 10 * fit.scale
    evidence = evidence_of(seen, [Fit(away, fit.scale)], 8)
    assert not bool(evidence.inside.any())
    assert float(evidence.disagreement(torch.ones(1, 8, 8, 8))) == 0
    corner = torch.full((1, POINTS_PER_OBJECT, 3), 0.499)
    at_corner = EvidenceInCube(corner, torch.ones(1, POINTS_PER_OBJECT, dtype=torch.bool), evidence.empty)
    assert float(at_corner.disagreement(torch.ones(1, 8, 8, 8))) == pytest.approx(1 - HUBER_DELTA / 2)


def test_occupancy_stands_in_for_distances(tiny: LiftingModel) -> None:
    shape = torch.randn(1, *tiny.flow.token_shapes["shape"], generator=torch.Generator().manual_seed(0))
    logits = tiny.vae.decode_tokens(shape)[:, tiny.vae.fields.index("occupancy")]
    tiny.vae.fields = ("occupancy", "colour")
    torch.testing.assert_close(decode_distance(tiny.vae, shape), 1 - 2 * logits.sigmoid())


def test_a_pull_brings_a_shape_nearer_to_its_evidence_and_leaves_the_networks_alone(
    tiny: LiftingModel, seen: SeenObject, fit: Fit
) -> None:
    evidence = evidence_of(seen, [fit], 8)
    before = {name: value.clone() for name, value in tiny.state_dict().items()}
    shape = torch.randn(1, *tiny.flow.token_shapes["shape"], generator=torch.Generator().manual_seed(0))

    def apart(tokens: Tensor) -> float:
        return float(evidence.disagreement(decode_distance(tiny.vae, tokens)).detach())

    with torch.no_grad():  # as in a lift
        found = guidance_step(tiny, shape, evidence, GUIDANCE_STEPS)
    assert apart(found) < apart(shape)
    assert not found.requires_grad
    assert all(torch.equal(value, before[name]) for name, value in tiny.state_dict().items())
    assert all(p.grad is None for p in tiny.parameters())


def test_a_fit_leads_to_less_disagreement_than_the_flow_alone(tiny: LiftingModel, seen: SeenObject, fit: Fit) -> None:
    evidence = evidence_of(seen, [fit], 8)
    generator = torch.Generator().manual_seed(0)
    shape = torch.randn(1, *tiny.flow.token_shapes["shape"], generator=generator)
    noise = draw_noise(tiny.flow.token_shapes, 1, generator=generator)
    condition = Condition(torch.randn(1, 5, 24, generator=generator), 1)

    def disagreement(guidance_steps: int) -> float:
        found = fit_shapes(tiny, shape, noise, condition, evidence, guidance_steps)
        return float(evidence.disagreement(decode_distance(tiny.vae, found)).detach())

    assert disagreement(GUIDANCE_STEPS) < 0.9 * disagreement(0)


def test_each_object_of_a_batch_is_fitted_as_if_it_were_alone(tiny: LiftingModel, seen: SeenObject, fit: Fit) -> None:
    larger = Fit(fit.cam_T_obj, 1.2 * fit.scale, 0.0)
    generator = torch.Generator().manual_seed(0)
    shapes = torch.randn(2, *tiny.flow.token_shapes["shape"], generator=generator)
    noise = draw_noise(tiny.flow.token_shapes, 2, generator=generator)
    condition = Condition(torch.randn(2, 5, 24, generator=generator), 1)
    together = fit_shapes(tiny, shapes, noise, condition, evidence_of(seen, [fit, larger], 8))
    assert not torch.allclose(together, shapes)
    for k, one in enumerate((fit, larger)):
        each = {key: value[k : k + 1] for key, value in noise.items()}
        chosen = condition.take(torch.tensor([k]))
        alone = fit_shapes(tiny, shapes[k : k + 1], each, chosen, evidence_of(seen, [one], 8))
        torch.testing.assert_close(alone[0], together[k], atol=1e-4, rtol=1e-4)
