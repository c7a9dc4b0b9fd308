"""The pixels under a stroke."""

from __future__ import annotations

import math
import time

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from jaxtyping import Bool
from torch import Tensor

from region4d.app.marks.strokes import stroke_mask

HEIGHT, WIDTH = 23, 31
COORDINATE = st.floats(-8, 40).map(lambda x: round(x, 2))


def by_distance(points: list[tuple[float, float]], radius: float) -> Bool[Tensor, "height width"]:
    """Measure from every pixel centre to every segment."""
    v, u = torch.meshgrid(torch.arange(HEIGHT) + 0.5, torch.arange(WIDTH) + 0.5, indexing="ij")
    at = torch.stack([u, v], -1).double()
    nearest = torch.full((HEIGHT, WIDTH), torch.inf, dtype=torch.double)
    for one, other in zip(points, points[1:] or points, strict=False):
        a, b = (torch.tensor(end, dtype=torch.double) for end in (one, other))
        share = ((at - a) @ (b - a) / ((b - a) @ (b - a)).clamp(min=1e-12)).clamp(0, 1)
        nearest = torch.minimum(nearest, (at - a - share[..., None] * (b - a)).norm(dim=-1))
    return nearest <= radius


@given(st.lists(st.tuples(COORDINATE, COORDINATE), min_size=1, max_size=5), st.floats(1, 9))
def test_a_stroke_marks_the_pixels_within_its_radius(points: list[tuple[float, float]], radius: float) -> None:
    drawn = stroke_mask(points, radius, HEIGHT, WIDTH)
    surely, at_most = by_distance(points, radius - 1e-6), by_distance(points, radius + 1e-6)  # rounding at the rim
    assert bool((drawn | ~surely).all())
    assert bool((at_most | ~drawn).all())


def test_a_long_stroke_has_no_gaps() -> None:
    points = [(15 + 14 * math.cos(0.4 * k), 11 + 0.08 * k * math.sin(0.4 * k)) for k in range(150)]
    assert torch.equal(stroke_mask(points, 1.3, HEIGHT, WIDTH), by_distance(points, 1.3))


@pytest.mark.parametrize("points", [[(-50.0, 5.0)], [(10.0, -50.0), (20.0, -60.0)], [(99.0, 99.0)]])
def test_a_stroke_outside_of_the_frame_marks_nothing(points: list[tuple[float, float]]) -> None:
    assert not bool(stroke_mask(points, 6, HEIGHT, WIDTH).any())


def test_the_longest_stroke_with_the_largest_brush_takes_under_five_seconds() -> None:
    points = [(3839.0 * (k % 2), 2159.0 * (k // 2 % 2)) for k in range(1000)]
    start = time.process_time()
    drawn = stroke_mask(points, 500, 2160, 3840)
    assert time.process_time() - start < 5
    assert bool(drawn[1080, 1920])
    assert not bool(drawn[1080, 10])
