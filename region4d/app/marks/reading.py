"""Marks as the canvas, or a program, sends them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from region4d.app.marks.forms import MOST_REGIONS, BoxMark, CanvasMark, ClickMark, MaskMark, PointMark, StrokeMark

MOST_MARKS, MOST_POINTS, MOST_RUNS = 500, 20_000, 1_000_000  # points of all strokes and runs of all masks together
LONGEST_STROKE = 1000  # points
LARGEST_RADIUS, FARTHEST = 500, 100_000  # pixels
KEYS: dict[str, set[str]] = {
    "box": set(),
    "point": set(),
    "stroke": {"radius", "erase"},
    "mask": set(),
    "click": {"inside"},
}
FORM = (
    'regions are a list of marks {"region": 0, "frame": 0, ...} with one of "box": [x0, y0, x1, y1], "point": [x, y], '
    '"stroke": [[x, y], ...] and "radius" (and "erase"), "mask": runs, "click": [x, y]; without a number, it is 0'
)


def to_canvas(marks: Sequence[CanvasMark]) -> list[dict[str, Any]]:
    """Write marks as the canvas holds them."""
    return [{"region": mark.region, "frame": mark.frame} | mark.shape() for mark in marks]


def from_canvas(value: Any, frames: int) -> list[CanvasMark]:
    """Read the marks of a clip of `frames` frames: a list of JSON objects, which are drawn in this order.

    Raises:
        ValueError: it is something else, or beyond the limits.
    """
    if value is None or value == "":
        return []
    if not isinstance(value, list) or len(value) > MOST_MARKS:
        raise ValueError(f"{FORM}, at most {MOST_MARKS}; got {_brief(value)}")
    marks = [_read(entry, frames) for entry in value]
    points = sum(len(mark.points) for mark in marks if isinstance(mark, StrokeMark))
    runs = sum(len(mark.runs) for mark in marks if isinstance(mark, MaskMark))
    if points > MOST_POINTS or runs > MOST_RUNS:
        raise ValueError(
            f"these regions have {points} points of strokes and {runs} runs of masks; draw less: at most {MOST_POINTS} "
            f"and {MOST_RUNS} are taken"
        )
    return marks


def _read(entry: Any, frames: int) -> CanvasMark:
    kinds = [kind for kind in KEYS if isinstance(entry, dict) and kind in entry]
    if len(kinds) != 1 or not set(entry) <= {"region", "frame", *kinds, *KEYS[kinds[0]]}:
        raise ValueError(f"{FORM}; got {_brief(entry)}")
    region, frame = entry.get("region", 0), entry.get("frame", 0)
    if not (_is_whole(region) and _is_whole(frame) and 0 <= region < MOST_REGIONS and 0 <= frame < frames):
        raise ValueError(
            f"region {_brief(region)} on frame {_brief(frame)} does not exist: regions are 0 to {MOST_REGIONS - 1}, "
            f"frames 0 to {frames - 1}"
        )
    mark = _mark(kinds[0], int(region), int(frame), entry)
    if mark is None:
        raise ValueError(f"{FORM}; got {_brief(entry)}")
    return mark


def _mark(kind: str, region: int, frame: int, entry: dict[str, Any]) -> CanvasMark | None:
    """Read what is drawn; None where it is malformed."""
    drawn = entry[kind]
    if kind == "mask":
        whole = isinstance(drawn, list) and all(_is_whole(run) and run >= 0 for run in drawn)
        return MaskMark(region, frame, tuple(map(int, drawn))) if whole else None
    if kind == "stroke":
        radius, erase = entry.get("radius", 0), entry.get("erase", False)
        points = isinstance(drawn, list) and 0 < len(drawn) <= LONGEST_STROKE and all(_are_numbers(p, 2) for p in drawn)
        if not (points and _are_numbers([radius], 1) and 1 <= radius <= LARGEST_RADIUS and isinstance(erase, bool)):
            return None
        return StrokeMark(region, frame, tuple((float(x), float(y)) for x, y in drawn), float(radius), erase)
    if not _are_numbers(drawn, 4 if kind == "box" else 2):
        return None
    if kind == "box":
        return BoxMark(region, frame, *map(float, drawn))
    if kind == "point":
        return PointMark(region, frame, *map(float, drawn))
    inside = entry.get("inside", True)
    x, y = map(float, drawn)
    return ClickMark(region, frame, x, y, inside) if isinstance(inside, bool) else None


def _is_whole(value: Any) -> bool:
    return _are_numbers([value], 1) and value == int(value)


def _are_numbers(values: Any, count: int) -> bool:
    """Whether these are `count` numbers of a reasonable size (not NaN, not infinite)."""
    fits = isinstance(values, list | tuple) and len(values) == count
    return fits and all(type(value) in (int, float) and abs(value) <= FARTHEST for value in values)


def _brief(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}..."
