"""Units by their names: dimension and size in SI (angles in degrees)."""

from __future__ import annotations

import math

import pytest

from benchmarks.region_qa.answers.units import find_unit


@pytest.mark.parametrize(
    ("name", "dimension", "size"),
    [
        ("m", "length", 1),
        ("Kilometres", "length", 1000),
        ("in", "length", 0.0254),
        ("nautical mile", "length", 1852),
        ("厘米", "length", 0.01),
        ("m^2", "area", 1),
        ("square feet", "area", 0.3048**2),
        ("平方米", "area", 1),
        ("cubic metres", "volume", 1),
        ("cm3", "volume", 1e-6),
        ("km/h", "speed", 1 / 3.6),
        ("feet per second", "speed", 0.3048),
        ("km an hour", "speed", 1 / 3.6),
        ("米/秒", "speed", 1),
        ("m s^-1", "speed", 1),
        ("m/s^2", "speed per second", 1),
        ("degrees per second", "angular speed", 1),
        ("h", "time", 3600),
        ("rad", "angle", 180 / math.pi),
    ],
)
def test_units_have_their_dimension_and_size(name: str, dimension: str, size: float) -> None:
    found = find_unit(name)
    assert found is not None
    assert found[0] == dimension
    assert found[1] == pytest.approx(size, rel=1e-12)


@pytest.mark.parametrize("name", ["", "kg", "frames", "px", "m/frame", "mph2", "s^2", "square seconds"])
def test_other_names_are_no_units(name: str) -> None:
    assert find_unit(name) is None
