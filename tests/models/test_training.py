from itertools import islice

import pytest

from models.training import SeededSampler, cosine_schedule


def test_the_order_depends_on_the_seed_and_passes_over_nothing() -> None:
    order = list(islice(SeededSampler(50, seed=1), 100))
    assert sorted(order[:50]) == sorted(order[50:]) == list(range(50))
    assert order[:50] != order[50:]
    assert order != list(islice(SeededSampler(50, seed=2), 100))
    assert list(islice(SeededSampler(50, seed=1, start=37), 63)) == order[37:]


def test_the_learning_rate_rises_and_falls_to_zero() -> None:
    factor = cosine_schedule(100, 0.1)
    assert [factor(step) for step in (0, 9, 10)] == pytest.approx([0.1, 1.0, 1.0])
    assert factor(55) == pytest.approx(0.5)
    assert factor(100) == pytest.approx(0.0)
