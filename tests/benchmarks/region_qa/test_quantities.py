"""Quantities in the words of a model."""

import math

import pytest

from benchmarks.region_qa.quantities import Quantity, find_quantities


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("about 140 cm", [(140, "cm")]),
        ("It is 1,400.5 mm away.", [(1400.5, "mm")]),
        ("two metres", [(2, "metres")]),
        ("3 in", [(3, "in")]),
        ("3 in total", [(3, "")]),
        ("minus one? −1.5 m", [(-1.5, "m")]),
        ("1.2e3 m", [(1200, "m")]),
        ("90°", [(90, "°")]),
        ("3 km/h, not 3 km", [(3, "km/h"), (3, "km")]),
        ("the answer is five", [(5, "")]),
        ("the red one", []),
        ("one", [(1, "")]),
        ("region 2 and <region0> in 3D", []),
        (".5 s", [(0.5, "s")]),
    ],
)
def test_numbers_are_found_with_their_units(text: str, found: list[tuple[float, str]]) -> None:
    assert [(one.number, one.unit) for one in find_quantities(text)] == found


@pytest.mark.parametrize("text", ["5 feet 3 inches", "5 ft and 3 in", "5'3\"", "5 ft, 3 in."])
def test_feet_followed_by_inches_are_one_length(text: str) -> None:
    (found,) = find_quantities(text)
    assert found.to("in") == pytest.approx(63)


@pytest.mark.parametrize("text", ["1.4 to 1.6 m", "1.4 - 1.6 m", "1.4 or 1.6 m"])
def test_a_range_is_two_quantities_of_one_unit(text: str) -> None:
    assert [one.to("m") for one in find_quantities(text)] == pytest.approx([1.4, 1.6])


@pytest.mark.parametrize(
    ("quantity", "unit", "value"),
    [
        (Quantity(140.0, "cm"), "m", 1.4),
        (Quantity(1.0, "m"), "mm", 1000),
        (Quantity(36.0, "km/h"), "m/s", 10),
        (Quantity(2.0, "minutes"), "s", 120),
        (Quantity(math.pi, "radians"), "degrees", 180),
        (Quantity(1.0, "foot"), "inches", 12),
        (Quantity(7.0), "m", 7),
        (Quantity(7.0, "m"), "", 7),
    ],
)
def test_units_of_one_dimension_convert(quantity: Quantity, unit: str, value: float) -> None:
    assert quantity.to(unit) == pytest.approx(value)


def test_units_of_two_dimensions_do_not_convert() -> None:
    assert Quantity(3.0, "km/h").dimension == "speed"
    assert Quantity(3.0).dimension == ""
    with pytest.raises(ValueError, match=r"a length in m is needed, got 3 km/h"):
        Quantity(3.0, "km/h").to("m")
