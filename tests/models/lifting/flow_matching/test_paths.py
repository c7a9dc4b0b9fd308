"""Rectified flow: paths, targets, times, weights."""

import pytest
import torch

from models.lifting.flow_matching.paths import (
    WEIGHTS,
    draw_noise,
    flow_loss,
    interpolate,
    interpolate_all,
    logit_normal_times,
    velocities,
)
from tests.support.straight import SHAPES, some_latents


def test_a_path_runs_from_noise_at_0_to_data_at_1_and_its_slope_is_the_velocity() -> None:
    noise, data = some_latents(0, 3), some_latents(1, 3)
    velocity = velocities(noise, data)
    for key in noise:
        assert torch.equal(interpolate(noise[key], data[key], torch.zeros(3)), noise[key])
        assert torch.equal(interpolate(noise[key], data[key], torch.ones(3)), data[key])
    early, late = (interpolate_all(noise, data, torch.full((3,), t)) for t in (0.25, 0.75))
    for key in noise:
        torch.testing.assert_close((late[key] - early[key]) / 0.5, velocity[key], atol=1e-5, rtol=1e-5)


def test_each_object_has_its_own_time() -> None:
    zero, one = torch.zeros(2, 1, 3), torch.ones(2, 1, 3)
    assert interpolate(zero, one, torch.tensor([0.25, 0.5]))[:, 0, 0].tolist() == [0.25, 0.5]


def test_times_have_the_median_of_their_logit_normal_and_repeat_with_the_seed() -> None:
    times = [logit_normal_times(20_001, (-1,), generator=torch.Generator().manual_seed(0)) for _ in range(2)]
    assert torch.equal(*times)
    assert ((times[0] > 0) & (times[0] < 1)).all()
    # a median of 20 001 draws of slope 0.2 lies within 0.01 of sigmoid(-1) in five of five standard deviations
    assert times[0].median().item() == pytest.approx(torch.tensor(-1.0).sigmoid().item(), abs=0.01)


def test_the_loss_weighs_the_mean_of_each_modality() -> None:
    zero = {key: torch.zeros(2, *shape) for key, shape in SHAPES.items()}
    error = {"shape": 1.0, "rotation": 2.0, "translation": 3.0, "scale": 4.0}
    predicted = {key: torch.full_like(value, error[key]) for key, value in zero.items()}
    loss, parts = flow_loss(predicted, zero)
    assert {key: part.item() for key, part in parts.items()} == {key: value**2 for key, value in error.items()}
    assert loss.item() == pytest.approx(1 + 0.1 * 4 + 9 + 0.1 * 16)
    assert WEIGHTS == {"shape": 1, "rotation": 0.1, "translation": 1, "scale": 0.1}
    only, parts = flow_loss(predicted, zero, {"shape": 1.0, "rotation": 0.1})
    assert only.item() == pytest.approx(1.4)
    assert set(parts) == {"shape", "rotation"}


def test_noise_is_unit_normal_and_repeats_with_the_seed() -> None:
    drawn = [draw_noise({"shape": (1000, 8)}, 2, generator=torch.Generator().manual_seed(3))["shape"] for _ in range(2)]
    assert torch.equal(*drawn)
    assert drawn[0].mean().item() == pytest.approx(0, abs=0.04)  # five standard deviations of 16 000 draws
    assert drawn[0].std().item() == pytest.approx(1, abs=0.03)
