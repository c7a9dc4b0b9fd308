"""Numbers and units in every manner of writing: the right value in the unit that was asked for, or none."""

from __future__ import annotations

import pytest

from benchmarks.region_qa.answer_parser import parse_number
from benchmarks.region_qa.answers.quantities import find_quantities
from benchmarks.region_qa.answers.writing import plain_writing


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("2.5 m", "m", 2.5), ("2,5 m", "m", 2.5), ("2,50 m", "m", 2.5), ("0,234 m", "m", 0.234),
        ("1,234 m", "m", 1234), ("1.234,5 m", "m", 1234.5), ("1,234.5 m", "m", 1234.5), ("1 234 m", "m", 1234),
        ("1\u202f234 m", "m", 1234), ("1'234 m", "m", 1234), ("½", "m", 0.5), ("1½", "m", 1.5), ("1 ½ m", "m", 1.5),
        ("¾ m", "m", 0.75), ("\\frac{1}{2} m", "m", 0.5), ("1\\frac{1}{2} m", "m", 1.5),
        ("$\\frac{1}{2}$ m", "m", 0.5), ("1-1/2 feet", "m", 0.4572), ("2 and a half metres", "m", 2.5),
        ("two and a half metres", "m", 2.5), ("one and a half metres", "m", 1.5), ("a metre and a half", "m", 1.5),
        ("half a meter", "m", 0.5), ("half an inch", "m", 0.0127), ("a half metre", "m", 0.5),
        ("a quarter of a metre", "m", 0.25), ("three quarters of a metre", "m", 0.75),
        ("two thirds of a metre", "m", 0.66667), ("three-quarters of a metre", "m", 0.75),
        ("twenty five centimetres", "m", 0.25), ("twenty-five centimeters", "m", 0.25),
        ("two point five metres", "m", 2.5), ("one hundred and fifty cm", "m", 1.5), ("a hundred metres", "m", 100),
        ("fifteen cm", "m", 0.15), ("~2.5 m", "m", 2.5), ("≈ 2.5 m", "m", 2.5), ("approx. 2.5 m", "m", 2.5),
        ("ca. 2.5 m", "m", 2.5), ("-2.5 m", "m", -2.5), ("−2.5 m", "m", -2.5), ("1e-1 m", "m", 0.1),
        ("1.5e2 cm", "m", 1.5), ("1.5×10^2 cm", "m", 1.5), ("1.5 x 10^2 cm", "m", 1.5), ("1.5×10² cm", "m", 1.5),
        ("10^2 cm", "m", 1), ("5 mm", "m", 0.005), ("5 dm", "m", 0.5), ("1.2 km", "m", 1200), ("3 ft", "m", 0.9144),
        ("3'", "m", 0.9144), ("5'3\"", "m", 1.6002), ("5’3”", "m", 1.6002), ("5′3″", "m", 1.6002),
        ("5' 3\"", "m", 1.6002), ("6'2", "m", 1.8796), ("5 ft 3", "m", 1.6002), ("5 ft (60 in)", "m", 1.524),
        ("12\"", "m", 0.3048), ("12''", "m", 0.3048), ("5 feet, 3 inches", "m", 1.6002), ("3 yards", "m", 2.7432),
        ("3 yd", "m", 2.7432), ("10 miles", "m", 16093.4), ("10 mi", "m", 16093.4), ("1 nautical mile", "m", 1852),
        ("1 m 40 cm", "m", 1.4), ("1 m and 40 cm", "m", 1.4), ("1 m 80", "m", 1.8), ("2 minutes", "s", 120),
        ("2 min 30 s", "s", 150), ("1 h 30 min", "s", 5400), ("1 hour and 30 minutes", "s", 5400),
        ("1.5 hours", "s", 5400), ("500 ms", "s", 0.5), ("500 milliseconds", "s", 0.5), ("1 day", "s", 86400),
        ("90 degrees", "degrees", 90), ("90°", "degrees", 90), ("90º", "degrees", 90), ("90^\\circ", "degrees", 90),
        ("1.5708 rad", "degrees", 90), ("π/2 rad", "degrees", 90), ("pi/2 radians", "degrees", 90),
        ("\\frac{\\pi}{2} rad", "degrees", 90), ("2π rad", "degrees", 360), ("3π/4 rad", "degrees", 135),
        ("0.5π rad", "degrees", 90), ("3 m/s", "m/s", 3), ("10.8 km/h", "m/s", 3), ("10.8 kmh", "m/s", 3),
        ("10 mph", "m/s", 4.4704), ("10 miles per hour", "m/s", 4.4704), ("5 ft/s", "m/s", 1.524),
        ("10 knots", "m/s", 5.144), ("60 m/min", "m/s", 1), ("3 m s^-1", "m/s", 3), ("3 m·s⁻¹", "m/s", 3),
        ("3 m/sec", "m/s", 3), ("3 metres a second", "m/s", 3), ("2 m²", "m^2", 2),
        ("10.7639 square feet", "m^2", 1), ("2.5米", "m", 2.5), ("2.5 米左右", "m", 2.5), ("约2.5米", "m", 2.5),
        ("大约 2.5 米远", "m", 2.5), ("两米", "m", 2), ("两点五米", "m", 2.5), ("一百二十厘米", "m", 1.2),
        ("半米", "m", 0.5),
        ("三米半", "m", 3.5), ("一米八", "m", 1.8), ("十厘米", "m", 0.1), ("三分之一米", "m", 0.33333),
        ("答案是2.5米", "m", 2.5),
        ("５ｍ", "m", 5), ("２．５ｍ", "m", 2.5), ("2.5メートル", "m", 2.5), ("2.5미터", "m", 2.5), ("3秒", "s", 3),
        ("3分钟", "s", 180), ("90度", "degrees", 90), ("每秒2米", "m/s", 2), ("2米/秒", "m/s", 2),
        ("2米每秒", "m/s", 2),
        ("2,5 Meter", "m", 2.5), ("2,5 mètres", "m", 2.5), ("2,5 metros", "m", 2.5), ("2,5 метра", "m", 2.5),
        ("٢٫٥ m", "m", 2.5), ("It is 2 m, not 3 m", "m", 2), ("just under 2 m", "m", 2),
        ("slightly more than 2 m", "m", 2), ("a little over 2 m", "m", 2), ("nearly 2 m", "m", 2),
        ("2.5 ± 0.1 m", "m", 2.5), ("2.5 m ± 0.1 m", "m", 2.5), ("2.5 m (8.2 ft)", "m", 2.5),
        ("3 m (10 feet)", "m", 3), ("Distance in cm: 250", "m", 2.5), ("Distance (cm): 250", "m", 2.5),
        ("distance (m): 2.5", "m", 2.5), ("2.5 (m)", "m", 2.5), ("250 (cm)", "m", 2.5), ("2.5 in meters", "m", 2.5),
        ("3 in total", "m", 3), ("2.5 from the camera", "m", 2.5), ("2.5 away", "m", 2.5), ("2.5 apart", "m", 2.5),
        ("2.5.", "m", 2.5), ("2 . 5 m", "m", 2.5), ("frame 3 and 2.5 m", "m", 2.5), ("region 1 is 2.5", "m", 2.5),
        ("<region0> is 2.5 away", "m", 2.5), ("about a meter", "m", 1), ("a meter away", "m", 1),
        ("The distance is 2.5 m.", "m", 2.5), ("12 in wide", "m", 0.3048), ("12 in.", "m", 0.3048),
        ("Step 1: look. Step 2: 2.5", "m", 2.5), ("999999999999999999999 km", "m", 999999999999999999999000),
        ("90°30'", "degrees", 90.5), ("2.5 Metres", "m", 2.5), ("2.5M", "m", 2.5), ("1.5 + 1.5 = 3 m", "m", 3),
        ("zero", "m", 0), ("0 m", "m", 0), ("12,34,567 m", "m", 1234567), ("1.234.567 m", "m", 1234567),
        ("three", "m", 3), ("2 feet", "m", 0.6096), ("6 foot 2", "m", 1.8796), ("one metre", "m", 1),
        ("1 metre", "m", 1), ("1 inch", "m", 0.0254), ("~ 2 m", "m", 2), ("5分の1メートル", "m", 0.2),
        ("2.5 meters.", "m", 2.5), ("7 ft 10 1/2 in", "m", 2.4003), ("5 1/2\"", "m", 0.1397),
        ("1/2\"", "m", 0.0127), ("3 m 50", "m", 3.5), ("0.5", "m", 0.5), (".5", "m", 0.5), ("5 μm", "m", 0.000005),
        ("5 µm", "m", 0.000005), ("5 microns", "m", 0.000005), ("2 metre", "m", 2), ("3 secs", "s", 3),
        ("3 s.", "s", 3), ("3s", "s", 3), ("second 3", "s", 3),
    ],
)  # fmt: skip
def test_a_number_is_read_with_its_unit(text: str, unit: str, value: float) -> None:
    assert parse_number(plain_writing(text), unit).value == pytest.approx(value, rel=2e-4)


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("five six feet", "m"), ("two or three metres", "m"), ("two to three metres", "m"),
        ("between two and three metres", "m"), ("2-3 m", "m"), ("2 to 3 m", "m"), ("2–3 m", "m"), ("2~3 m", "m"),
        ("2~3米", "m"), ("between 2 and 3 m", "m"), ("from 2 m to 3 m", "m"), ("2 x 3 m", "m"), ("2×3 m", "m"),
        ("2 or 3 m", "m"), ("2, 3 m", "m"), ("1e999 m", "m"), ("inf m", "m"), ("-inf", "m"), ("nan", "m"),
        ("infinity m", "m"), ("1/0 m", "m"), ("√2 m", "m"), ("sqrt(2) m", "m"), ("2√2 m", "m"),
        ("90 °C", "degrees"), ("3 m/s²", "m/s"), ("3 m/s^2", "m/s"), ("3 m/sec", "m"), ("5 m per frame", "m"),
        ("5 m/frame", "m/s"), ("2 m²", "m"), ("2 m2", "m"), ("2 m^2", "m"), ("2 square feet", "m"),
        ("2 sq ft", "m"), ("2 ㎡", "m"), ("2 m³", "m"), ("2 cubic metres", "m"), ("2平方米", "m"), ("60 frames", "s"),
        ("30 fps", "m/s"), ("3 pixels", "m"), ("250 px", "m"), ("50%", "m"), ("3 objects are visible", "m"),
        ("2 kg", "m"), ("3 steps", "m"), ("5 blocks", "m"), ("2x", "m"), ("二三米", "m"), ("不到2米", "m"),
        ("less than 2 m", "m"), ("more than 2 meters", "m"), ("< 2 m", "m"), (">2 m", "m"), ("≥ 2 m", "m"),
        ("at least 2 m", "m"), ("up to 2 m", "m"), ("within 2 m", "m"), ("2 m or more", "m"), ("2+ m", "m"),
        ("not 2 m", "m"), ("3 m (20 feet)", "m"), ("In centimeters, it is 250", "m"),
        ("there are 3 in the room", "m"), ("The object in frame 3", "m"), ("#2", "m"), ("a few metres", "m"),
        ("tens of metres", "m"), ("2 hundred metres", "m"), ("a dozen metres", "m"), ("1:30", "s"), ("1h30", "s"),
        ("3 m wide and 4 m deep", "m"), ("3D", "m"), ("2nd", "m"), ("10 deg/s", "degrees"),
        ("10 degrees per second", "degrees"), ("2.5e", "m"), ("1/2/3 m", "m"), ("1,2,3 m", "m"), ("1.2.3 m", "m"),
        ("2 + 3 m", "m"), ("the red one", "m"), ("5 thousand m", "m"), ("2.5k m", "m"),
        ("2.5 m away from the camera, which is 1.2 m high", "m"), ("1.5 个小时", "s"), ("一个半小时", "s"),
        ("about 2.5 units", "m"), ("The door is 80 inches. The distance is 2 m", "m"), ("2.5 m/s", "m"),
        ("3-4 seconds", "s"), ("3\"", "s"),
    ],
)  # fmt: skip
def test_a_number_of_something_else_a_range_or_a_bound_is_not_read(text: str, unit: str) -> None:
    assert parse_number(plain_writing(text), unit).value is None


def test_what_a_number_counts_is_kept_beside_units() -> None:
    found = find_quantities("3 chairs, 2.5 m apart, less than 4 m from the door")
    assert [(q.number, q.unit, q.counted, q.stated) for q in found] == [
        (3, "", "chairs", True),
        (2.5, "m", "", True),
        (4, "m", "", False),
    ]


def test_inches_join_feet_only_where_they_are_a_part_of_them() -> None:
    assert [(q.number, q.unit) for q in find_quantities("5 ft 3 in")] == [(pytest.approx(63), "in")]
    assert [(q.number, q.unit) for q in find_quantities("5 ft, 30 in")] == [(5, "ft"), (30, "in")]


@pytest.mark.parametrize("piece", ["1 2 ", "9", "twenty ", "half a ", "1/", "not ", "m "])
def test_a_long_answer_is_read_in_time_proportional_to_its_length(piece: str) -> None:
    """Of a model that repeats itself; what grows with the square would take minutes here."""
    assert parse_number(plain_writing(piece * 5000), "m").value is None
