import pytest
import torch

from distill.ridge import Ridge


def test_a_linear_target_is_read_exactly_and_noise_not_at_all() -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(400, 5, generator=generator)
    y, noise = x @ torch.randn(5, 2, generator=generator) + 3, torch.randn(400, 2, generator=generator)
    assert Ridge(x[:300], y[:300]).r2(x[300:], y[300:], [1e-9]) == [pytest.approx(1, abs=1e-6)]
    assert Ridge(x[:300], noise[:300]).r2(x[300:], noise[300:], [1e-3])[0] < 0.1


def test_ridge_regression_is_least_squares_with_rows_that_pull_to_zero() -> None:
    generator = torch.Generator().manual_seed(1)
    x, y = torch.randn(60, 4, generator=generator), torch.randn(60, 1, generator=generator)
    scaled, target = ((v - v.mean(0)) / v.std(0) for v in (x.double(), y.double()))
    strengths = [0.1, 10.0]
    errors, _ = Ridge(x, y).errors(x, y, strengths)
    for strength, error in zip(strengths, errors, strict=True):
        pull = (strength * (scaled.T @ scaled).diagonal().mean()).sqrt() * torch.eye(4, dtype=torch.float64)
        weights = torch.linalg.lstsq(torch.cat([scaled, pull]), torch.cat([target, target.new_zeros(4, 1)])).solution
        torch.testing.assert_close(error, (target - scaled @ weights).square().sum(1), atol=1e-5, rtol=1e-4)  # float32
