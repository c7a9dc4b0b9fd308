"""Euler steps and guidance, against flows and fields that are known exactly."""

import pytest
import torch

from models.lifting.flow_matching.sampler import PLAIN, Guidance, euler_times, expected_latents, guided_velocity, sample
from tests.support.straight import OfContext, Straight, ones, some_latents


@pytest.mark.parametrize("steps", [1, 4, 25])
@pytest.mark.parametrize("warp", [1.0, 3.0])
def test_euler_is_exact_for_a_straight_flow(steps: int, warp: float) -> None:
    noise, data = some_latents(0, 3), some_latents(1, 3)
    found = sample(Straight(data), noise, ones(3), steps=steps, warp=warp)
    for key in data:
        torch.testing.assert_close(found[key], data[key], atol=1e-5, rtol=1e-5)


def test_the_end_of_a_straight_flow_is_known_from_everywhere() -> None:
    latents, data = some_latents(0, 3), some_latents(1, 3)
    for time in (0.0, 0.6, 0.9):
        found = expected_latents(Straight(data), latents, time, ones(3))
        for key in data:
            torch.testing.assert_close(found[key], data[key], atol=1e-5, rtol=1e-5)


def test_times_run_from_0_to_1_and_a_warp_of_3_makes_the_first_steps_smaller() -> None:
    assert euler_times(4).tolist() == [0, 0.25, 0.5, 0.75, 1]
    warped = euler_times(4, 3)
    assert warped.tolist() == pytest.approx([0, 0.1, 0.25, 0.5, 1])  # t / (3 - 2 t)
    assert int((euler_times(25, 3)[:-1] <= 0.5).sum()) == 19  # calls inside the published interval
    with pytest.raises(ValueError, match="at least one step"):
        euler_times(0)


def test_guidance_of_weight_zero_is_the_plain_model_bit_for_bit() -> None:
    latents, model = some_latents(0, 2), OfContext()
    time, step = torch.tensor([0.1, 0.3]), torch.zeros(2)
    plain = model(latents, time, step, ones(2).tokens)
    guided = guided_velocity(model, latents, time, step, ones(2), Guidance(weight=0.0))
    also = guided_velocity(model, latents, time, step, ones(2), Guidance(weight=0.0, point_weight=0.0))
    for key in latents:
        assert torch.equal(guided[key], plain[key])
        assert torch.equal(also[key], plain[key])


def test_guidance_is_one_plus_w_times_conditional_minus_w_times_unconditional() -> None:
    found = guided_velocity(OfContext(), some_latents(0, 2), torch.zeros(2), torch.zeros(2), ones(2), Guidance(3.0))
    assert found["shape"].unique().tolist() == [4 * 6 - 3 * 0]


def test_point_map_guidance_weighs_the_points_and_the_rest_apart() -> None:
    guidance = Guidance(weight=3.0, point_weight=2.0)
    found = guided_velocity(OfContext(), some_latents(0, 2), torch.zeros(2), torch.zeros(2), ones(2), guidance)
    assert found["scale"].unique().tolist() == [6 + 2 * (6 - 4) + 3 * (4 - 0)]


def test_guidance_holds_on_its_interval_for_its_modalities_and_its_objects() -> None:
    latents, model = some_latents(0, 3), OfContext()
    guidance = Guidance(1.0, interval=(0.0, 0.5), modalities=("shape",))
    time, some = torch.tensor([0.2, 0.2, 0.7]), torch.tensor([True, False, True])
    found = guided_velocity(model, latents, time, torch.zeros(3), ones(3), guidance, some)
    assert found["shape"][:, 0, 0].tolist() == [12, 6, 6]
    assert found["rotation"][:, 0, 0].tolist() == [6, 6, 6]


def test_unguided_steps_cost_one_call_and_guided_ones_a_batch_of_two() -> None:
    model = OfContext()
    sample(model, some_latents(0, 3), ones(3), steps=25, warp=3, guidance=Guidance(7.0))
    sizes = [size for _, _, size in model.calls]
    assert sizes == [6] * 19 + [3] * 6


def test_a_shortcut_sampler_makes_equal_unguided_jumps_and_tells_the_model_their_size() -> None:
    model = OfContext()
    sample(model, some_latents(0, 2), ones(2), steps=4, guidance=Guidance(7.0), shortcut=True)
    assert [time.tolist() for time, _, _ in model.calls] == [[t] * 2 for t in (0, 0.25, 0.5, 0.75)]
    assert all(step.tolist() == [0.25] * 2 for _, step, _ in model.calls)
    assert all(size == 2 for _, _, size in model.calls)
    model = OfContext()
    sample(model, some_latents(0, 2), ones(2), steps=4, guidance=PLAIN)
    assert not any(step.any() for _, step, _ in model.calls)
