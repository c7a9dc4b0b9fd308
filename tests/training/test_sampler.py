from itertools import islice

from training.sampler import SeededSampler, one_cycle


def test_the_order_depends_on_the_seed_and_passes_over_nothing() -> None:
    order = list(islice(SeededSampler(50, seed=1), 100))
    assert sorted(order[:50]) == sorted(order[50:]) == list(range(50))
    assert order[:50] != order[50:]
    assert order != list(islice(SeededSampler(50, seed=2), 100))
    assert list(islice(SeededSampler(50, seed=1, start=37), 63)) == order[37:]


def test_one_cycle_moves_every_element() -> None:
    order = one_cycle(20, seed=3)
    assert sorted(order) == list(range(20))
    visited = [0]
    while (here := order[visited[-1]]) != 0:
        visited.append(here)
    assert len(visited) == 20
    assert order == one_cycle(20, seed=3) != one_cycle(20, seed=4)
