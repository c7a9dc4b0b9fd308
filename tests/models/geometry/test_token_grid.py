"""Points on a token grid: masked means."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.geometry import PointMap, pool_points
from tests.support.clips.random_geometry import random_world


def test_a_token_is_the_mean_of_its_known_points() -> None:
    xyz = torch.zeros(2, 4, 3)
    xyz[0, 0] = torch.tensor([1.0, 2.0, 3.0])
    xyz[1, 1] = torch.tensor([3.0, 2.0, 1.0])
    valid = torch.zeros(2, 4, dtype=torch.bool)
    valid[0, 0] = valid[1, 1] = True
    pooled = pool_points(PointMap(xyz, valid, "world"), 1, 2)
    assert pooled.xyz[0, 0].tolist() == [2, 2, 2]
    assert pooled.valid.tolist() == [[True, False]]
    assert pooled.xyz[0, 1].tolist() == [0, 0, 0]
    assert pooled.frame == "world"


@given(st.integers(0, 10_000), st.integers(1, 9), st.integers(1, 9))
@settings(max_examples=30, deadline=None)
def test_a_known_point_never_gets_lost_and_a_token_stays_among_its_points(seed: int, rows: int, cols: int) -> None:
    points = random_world(torch.Generator().manual_seed(seed), 2, 11, 13, share=0.05)
    pooled = pool_points(points, rows, cols)
    for i in range(rows):
        for j in range(cols):
            y = slice(i * 11 // rows, -(-(i + 1) * 11 // rows))
            x = slice(j * 13 // cols, -(-(j + 1) * 13 // cols))
            for b in range(2):
                known = points.xyz[b, y, x][points.valid[b, y, x]]
                assert pooled.valid[b, i, j] == (len(known) > 0)
                if len(known):
                    torch.testing.assert_close(pooled.xyz[b, i, j], known.mean(0), atol=1e-5, rtol=1e-5)


def test_values_under_invalid_pixels_do_not_leak() -> None:
    points = random_world(torch.Generator().manual_seed(0), 8, 8, share=0.5)
    dirty = PointMap(torch.where(points.valid[..., None], points.xyz, torch.nan), points.valid, "world")
    assert torch.equal(pool_points(dirty, 2, 2).xyz, pool_points(points, 2, 2).xyz)
