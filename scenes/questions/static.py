"""Questions about position, size and kind of objects in the first frame, which the text calls "the start".

Margins keep every answer unambiguous: candidates inside a margin are left out.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float

from scenes.questions.category import Category, ChoiceQuestion, Comparison, Measurement, Named, Objects
from scenes.questions.facts import Facts

NEARER_RATIO = 1.1  # ratio of the two distances
HIGHER_MARGIN = (1.1, 0.05)  # ratio and metres between the two tops
LARGER_RATIO = 1.2  # ratio of two lengths
VOLUME_RATIO = 1.3  # ratio of two volumes
MIN_PIXEL_OFFSET = 0.08  # share of the picture between two mean pixels
THIRD_MARGIN = 0.04  # share of the picture kept clear on both sides of a border between thirds
MIN_STANDING_DISTANCE = 0.3  # metres on the ground between the place to stand at and the other regions
MAX_BEARING_ERROR = np.radians(
    30
)  # half width of each of front, left, right, behind: 15 degrees are left out in between
MIN_LENGTH = 0.1  # metres (or m/s): two decimals would not write smaller values well


def pairs(is_better: Bool[np.ndarray, "object object"], allowed: Bool[np.ndarray, "object"]) -> list[Objects]:
    """List (winner, loser) of the allowed objects."""
    return [(i, j) for i, j in np.argwhere(is_better & allowed[:, None] & allowed).tolist()]


def exceeds(
    value: Float[np.ndarray, "*axes object"], ratio: float, gap: float = 0.0
) -> Bool[np.ndarray, "*axes object object"]:
    """Mark [i, j] where value i is larger than value j by a ratio and by a gap; never where one is NaN."""
    one, other = value[..., :, None], value[..., None, :]
    return np.asarray((one >= ratio * other) & (one - other >= gap) & (one > other))


def nearer_camera(facts: Facts) -> list[Objects]:
    """Compare the visible surfaces by depth and by distance: both must agree, so that either reading is right."""
    depth, distance = facts.surface[:, 2], np.linalg.norm(facts.surface, axis=-1)
    return pairs((exceeds(depth, NEARER_RATIO) & exceeds(distance, NEARER_RATIO)).T, facts.visible_at_start)


def distances(facts: Facts) -> Float[np.ndarray, "object object"]:
    """Measure between box centres, at the start."""
    centre = facts.centre[0]
    return np.asarray(np.linalg.norm(centre[:, None] - centre, axis=-1))


def nearer_region(facts: Facts) -> list[Objects]:
    """Compare the distances of two box centres to a third: (third, nearer, further)."""
    nearer = exceeds(distances(facts), NEARER_RATIO).swapaxes(-1, -2)  # [third, nearer, further]
    ok, apart = facts.placed, ~np.eye(len(facts.placed), dtype=bool)
    nearer &= ok[:, None, None] & ok[:, None] & ok & apart[:, :, None] & apart[:, None, :]
    return [(r, i, j) for r, i, j in np.argwhere(nearer).tolist()]


def higher(facts: Facts) -> list[Objects]:
    """Compare the tops of the boxes above the floor."""
    return pairs(exceeds(facts.top, *HIGHER_MARGIN), facts.placed)


def further_left(facts: Facts) -> list[Objects]:
    """Compare mean columns; the sideways positions in the camera must agree."""
    left = (facts.column[None] - facts.column[:, None] >= MIN_PIXEL_OFFSET) & (
        facts.surface[:, None, 0] < facts.surface[None, :, 0]
    )
    return pairs(left, facts.visible_at_start)


def above(facts: Facts) -> list[Objects]:
    """Compare mean rows; the heights of the centres in the world must agree by 5 cm."""
    z = facts.centre[0, :, 2]
    up = (facts.row[None] - facts.row[:, None] >= MIN_PIXEL_OFFSET) & (z[:, None] - z[None] >= HIGHER_MARGIN[1])
    return pairs(up, facts.visible_at_start)


def widths(facts: Facts) -> Float[np.ndarray, "object"]:
    """Take the larger horizontal side of the box (SR-3D-Bench, appendix D: width = max(length, width))."""
    return np.asarray(facts.size[:, :2].max(-1))


def wider(facts: Facts) -> list[Objects]:
    """Compare widths."""
    return pairs(exceeds(widths(facts), LARGER_RATIO), facts.visible)


def taller(facts: Facts) -> list[Objects]:
    """Compare vertical extents."""
    return pairs(exceeds(facts.height, LARGER_RATIO), facts.placed)


def bigger(facts: Facts) -> list[Objects]:
    """Compare volumes of boxes."""
    return pairs(exceeds(facts.size.prod(-1), VOLUME_RATIO), facts.visible)


def facing(facts: Facts) -> Named:
    """Stand at one region, face a second, find a third: by the angle on the ground between the two."""
    ground = facts.centre[0, :, :2]
    offset = ground - ground[:, None]  # [stand, to]
    bearing = np.arctan2(offset[..., 1], offset[..., 0])  # anticlockwise seen from above, so left is positive
    turn = (bearing[:, None, :] - bearing[:, :, None] + np.pi) % (2 * np.pi) - np.pi  # [stand, face, find]
    ok = facts.placed
    can = (np.linalg.norm(offset, axis=-1) >= MIN_STANDING_DISTANCE) & ok[:, None] & ok
    can_triple = can[:, :, None] & can[:, None, :] & ~np.eye(len(ok), dtype=bool)
    where = {"front": 0.0, "left": np.pi / 2, "right": -np.pi / 2, "behind": np.pi}
    found: Named = {}
    for word, angle in where.items():
        off = np.abs((turn - angle + np.pi) % (2 * np.pi) - np.pi)
        found[word] = [((s, f, o), "") for s, f, o in np.argwhere(can_triple & (off <= MAX_BEARING_ERROR)).tolist()]
    return found


def column(facts: Facts) -> Named:
    """Name the third of the picture that holds the mean column."""
    clear = (np.abs(facts.column[:, None] - [1 / 3, 2 / 3]) >= THIRD_MARGIN).all(-1) & facts.visible_at_start
    thirds: Named = {"left": [], "middle": [], "right": []}
    for k in np.flatnonzero(clear).tolist():
        thirds[("left", "middle", "right")[min(int(facts.column[k] * 3), 2)]].append(((k,), ""))
    return thirds


def by_name(facts: Facts, names: tuple[str, ...]) -> Named:
    """Sort the visible objects by colour or family."""
    found: Named = {}
    for k in np.flatnonzero(facts.visible).tolist():
        found.setdefault(names[k], []).append(((k,), ""))
    return found


def counts(facts: Facts, names: tuple[str, ...]) -> Named:
    """Count the visible objects of each name; a name is left out where a glimpse below the limit makes it unclear."""
    unclear = (facts.area > 0).any(0) & ~facts.visible
    shown = [name for name, visible in zip(names, facts.visible, strict=True) if visible]
    hidden = {name for name, glimpsed in zip(names, unclear, strict=True) if glimpsed}
    found: Named = {}
    for name in sorted(set(shown) - hidden):
        found.setdefault(str(shown.count(name)), []).append(((), name))
    return found


def lengths(value: Float[np.ndarray, "object"], allowed: Bool[np.ndarray, "object"]) -> list[tuple[Objects, float]]:
    """List one length an object."""
    return [((k,), float(value[k])) for k in np.flatnonzero(allowed & (value >= MIN_LENGTH)).tolist()]


def between(facts: Facts) -> list[tuple[Objects, float]]:
    """List the distance of every two box centres."""
    value = distances(facts)
    allowed = facts.placed[:, None] & facts.placed & (value >= MIN_LENGTH)
    return [((i, j), float(value[i, j])) for i, j in np.argwhere(np.triu(allowed, 1)).tolist()]


STATIC: tuple[Category, ...] = (
    Comparison(
        "nearer_camera",
        nearer_camera,
        ("Which is nearer to the camera at the start?", "At the start, which is nearer to the camera?"),
    ),
    Comparison(
        "nearer_region",
        nearer_region,
        ("Which is nearer to <region0> at the start?", "At the start, which is nearer to <region0>?"),
    ),
    Comparison("higher", higher, ("Which has the higher top?", "Which top is higher?")),
    Comparison(
        "left_right",
        further_left,
        ("Which is further left at the start?", "At the start, which is further left?"),
        ("Which is further right at the start?", "At the start, which is further right?"),
    ),
    Comparison(
        "above_below",
        above,
        ("Which is above the other at the start?",),
        ("Which is below the other at the start?",),
    ),
    Comparison("wider", wider, ("Which is wider?",), ("Which is thinner?",)),
    Comparison("taller", taller, ("Which is taller?",), ("Which is shorter?",)),
    Comparison("bigger", bigger, ("Which is bigger?",), ("Which is smaller?",)),
    ChoiceQuestion(
        "facing",
        facing,
        ("Standing at <region0> and facing <region1>, where is <region2>?",),
    ),
    ChoiceQuestion("column", column, ("Where in the picture is <region0> at the start?",)),
    ChoiceQuestion("colour", lambda facts: by_name(facts, facts.colours), ("What colour is <region0>?",)),
    ChoiceQuestion(
        "shape", lambda facts: by_name(facts, facts.families), ("What is <region0>?", "What object is <region0>?")
    ),
    ChoiceQuestion(
        "count_colour", lambda facts: counts(facts, facts.colours), ("How many objects have the colour {}?",)
    ),
    ChoiceQuestion("count_shape", lambda facts: counts(facts, facts.families), ("How many objects are of kind {}?",)),
    Measurement(
        "distance",
        between,
        ("How far is <region0> from <region1> at the start?", "At the start, how far is <region0> from <region1>?"),
    ),
    Measurement(
        "depth",
        lambda facts: lengths(facts.surface[:, 2], facts.visible_at_start),
        ("How far in front of the camera is <region0> at the start?",),
    ),
    Measurement("top", lambda facts: lengths(facts.top, facts.placed), ("How high is the top of <region0>?",)),
    Measurement("height", lambda facts: lengths(facts.height, facts.placed), ("How tall is <region0>?",)),
    Measurement("width", lambda facts: lengths(widths(facts), facts.visible), ("How wide is <region0>?",)),
)
