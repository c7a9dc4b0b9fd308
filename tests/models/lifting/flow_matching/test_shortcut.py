"""Shortcut targets: exact where the field is constant or the flow straight, and guided only at the smallest jump."""

import torch

from models.lifting.flow_matching.sampler import Guidance
from models.lifting.flow_matching.shortcut import LEVELS, draw_jumps, shortcut_target
from tests.support.straight import OfContext, Straight, ones, some_latents


def test_the_target_is_exact_for_a_constant_field() -> None:
    latents, model = some_latents(0, 3), OfContext()
    start, half = torch.tensor([0.0, 0.5, 0.25]), torch.tensor([0.5, 0.125, 0.0078125])
    found = shortcut_target(model, latents, start, half, ones(3))
    for key, value in latents.items():
        assert torch.equal(found[key], torch.full_like(value, 6))


def test_the_target_is_exact_for_a_straight_flow() -> None:
    data, noise = some_latents(1, 2), some_latents(0, 2)
    found = shortcut_target(Straight(data), noise, torch.zeros(2), torch.tensor([0.25, 0.5]) / 2, ones(2))
    for key in data:
        torch.testing.assert_close(found[key], data[key] - noise[key], atol=1e-5, rtol=1e-5)


def test_both_halves_are_asked_at_their_own_time_and_size_and_the_smallest_is_instantaneous() -> None:
    model = OfContext(per_step=1.0)
    smallest = 0.5**LEVELS
    found = shortcut_target(
        model, some_latents(0, 2), torch.tensor([0.5, 0.0]), torch.tensor([0.25, smallest]), ones(2)
    )
    (first, step, _), (second, step_again, _) = model.calls
    assert first.tolist() == [0.5, 0]
    assert second.tolist() == [0.75, smallest]
    assert step.tolist() == step_again.tolist() == [0.25, 0]
    assert found["shape"][:, 0, 0].tolist() == [6.25, 6]


def test_guidance_is_folded_into_the_shape_of_the_smallest_jump_alone() -> None:
    guidance = Guidance(2.0, modalities=("shape",))
    half = torch.tensor([0.25, 0.5**LEVELS])
    found = shortcut_target(OfContext(), some_latents(0, 2), torch.zeros(2), half, ones(2), guidance)
    assert found["shape"][:, 0, 0].tolist() == [6, 18]
    assert found["translation"][:, 0, 0].tolist() == [6, 6]


def test_the_target_carries_no_gradient() -> None:
    weight = torch.ones((), requires_grad=True)

    def model(latents, time, step, context):  # type: ignore[no-untyped-def]
        return {key: weight * value for key, value in latents.items()}

    found = shortcut_target(model, some_latents(0, 1), torch.zeros(1), torch.full((1,), 0.5), ones(1))
    assert not any(value.requires_grad for value in found.values())


def test_jumps_are_those_of_samplers_with_a_power_of_two_steps() -> None:
    start, half = draw_jumps(5000, generator=torch.Generator().manual_seed(0))
    assert set(half.tolist()) == {0.5**k for k in range(1, LEVELS + 1)}
    assert ((start / (2 * half)) % 1 == 0).all()
    assert (start + 2 * half <= 1).all()
    assert (start[half == 0.125].unique() == torch.tensor([0, 0.25, 0.5, 0.75])).all()
