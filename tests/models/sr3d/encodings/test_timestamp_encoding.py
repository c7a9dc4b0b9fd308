"""The timestamp encoding: the numbers of the specification."""

import math

import pytest
import torch

from models.sr3d.encodings.timestamp_encoding import timestamp_encoding


def test_the_first_pair_turns_one_radian_a_second() -> None:
    code = timestamp_encoding(torch.tensor([0.5]), 8)
    assert code[0, 0].item() == pytest.approx(math.sin(0.5), abs=1e-6)
    assert code[0, 1].item() == pytest.approx(math.cos(0.5), abs=1e-6)
    assert code[0, 2].item() == pytest.approx(math.sin(0.5 / 1e4 ** (2 / 8)), abs=1e-6)


@pytest.mark.parametrize(("seconds", "distance"), [(0.1, 0.56), (0.5, 2.80), (1.0, 5.52), (10.0, 19.2)])
def test_distances_from_time_zero_are_those_measured_at_width_1152(seconds: float, distance: float) -> None:
    code = timestamp_encoding(torch.tensor([0.0, seconds]), 1152)
    assert code[0].norm().item() == pytest.approx(24.0, abs=1e-3)
    assert (code[1] - code[0]).norm().item() == pytest.approx(distance, abs=0.05)  # printed with two digits


def test_the_gain_scales_and_the_base_slows() -> None:
    seconds = torch.tensor([2.0])
    torch.testing.assert_close(timestamp_encoding(seconds, 8, gain=0.5), 0.5 * timestamp_encoding(seconds, 8))
    assert timestamp_encoding(seconds, 8, base=1e2)[0, 2] > timestamp_encoding(seconds, 8)[0, 2]


def test_a_higher_frequency_is_a_faster_clock() -> None:
    seconds = torch.tensor([0.02, 0.3])
    torch.testing.assert_close(timestamp_encoding(seconds, 8, frequency=50.0), timestamp_encoding(50 * seconds, 8))


def test_on_a_logarithmic_clock_a_factor_is_the_same_step_everywhere() -> None:
    seconds = torch.tensor([1.0, 10.0, 20.0, 200.0])
    codes = timestamp_encoding(seconds, 64, log_from=1e-4)
    apart = (codes[1::2] - codes[::2]).norm(dim=-1)
    torch.testing.assert_close(apart[0], apart[1], atol=1e-3, rtol=0)
