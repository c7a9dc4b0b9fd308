"""Questions about what happens between the first frame and the last.

Movers are visible in both. Objects that move by 0.5 cm to 10 cm count neither as moving nor as still.
Paths and rotations are summed over the frames of the clip, so that they know what a viewer of the clip can know.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float

from scenes.questions.category import Category, ChoiceQuestion, Comparison, Measurement, Named, Objects
from scenes.questions.facts import MAX_STILL, MIN_MOVED, Facts
from scenes.questions.static import MIN_LENGTH, exceeds, pairs

FURTHER_MARGIN = (1.25, 0.1)  # ratio and metres between two displacements
MIN_TURN = np.radians(15)  # from here on, an object certainly turns
GROWING_KEPT_PROB = 0.3  # 77 % of approaching and receding objects of default worlds grow or shrink as one would expect
MIN_DEPARTURE = 0.05  # metres: from here on, an object has clearly left its first place


def displacement(facts: Facts) -> Float[np.ndarray, "object 3"]:
    """Compute the displacement from the first position to the last, world frame, metres."""
    return np.asarray(facts.centre[-1] - facts.centre[0])


def shift(facts: Facts) -> Float[np.ndarray, "object"]:
    """Measure the distance from the first position to the last, metres."""
    return np.asarray(np.linalg.norm(displacement(facts), axis=-1))


def path(facts: Facts) -> Float[np.ndarray, "object"]:
    """Measure the length of the path, straight from frame to frame, metres."""
    return np.asarray(np.linalg.norm(np.diff(facts.centre, axis=0), axis=-1).sum(0))


def turn(facts: Facts) -> Float[np.ndarray, "object"]:
    """Measure the rotation summed over frames, radians."""
    return np.asarray(facts.turned.sum(0))


def movers(facts: Facts) -> Bool[np.ndarray, "object"]:
    """Mark objects whose last position differs from their first."""
    return np.asarray(facts.visible_at_both_ends & (shift(facts) >= MIN_MOVED))


def still(facts: Facts) -> Bool[np.ndarray, "object"]:
    """Mark objects that certainly do not move, visible in both frames as movers are."""
    return np.asarray(facts.visible_at_both_ends & facts.still)


def words(**true_of: Bool[np.ndarray, "object"]) -> Named:
    """Sort objects by the word (spaces as underscores) that is true of them."""
    return {w.replace("_", " "): [((k,), "") for k in np.flatnonzero(m).tolist()] for w, m in true_of.items()}


def moves(facts: Facts) -> Named:
    """Tell movers from still objects; the camera moves as well."""
    return words(yes=movers(facts), no=still(facts))


def approaches(facts: Facts) -> Named:
    """Tell whether an object's own movement brings it nearer to where the camera was at the start, or neither."""
    far = np.linalg.norm(facts.centre[[0, -1]] - facts.camera[:3, 3], axis=-1)
    closer = far[0] - far[1]
    seen = movers(facts)
    return words(
        towards=seen & (closer >= MIN_MOVED), away=seen & (closer <= -MIN_MOVED), it_does_not_move=still(facts)
    )


def kept_of_approaches(facts: Facts, word: str, k: int) -> float:
    """Thin out what grows in the picture as it comes, or shrinks as it goes, to where growing tells nothing."""
    grows = facts.area[-1, k] > facts.area[0, k]
    return GROWING_KEPT_PROB if word == ("towards" if grows else "away") else 1.0


def direction(facts: Facts) -> Named:
    """Name the direction of a movement in the first camera; still objects are included, so the premise may be false."""
    aside, _, ahead = (displacement(facts) @ facts.camera[:3, :3]).T  # in the axes of the first camera
    sideways = movers(facts) & (np.abs(aside) >= MIN_MOVED) & (np.abs(aside) >= np.abs(ahead))
    return words(to_the_left=sideways & (aside < 0), to_the_right=sideways & (aside > 0), it_does_not_move=still(facts))


def rotates(facts: Facts) -> Named:
    """Tell what turns from what does not; both may travel."""
    seen, angle = facts.visible_at_both_ends, turn(facts)
    return words(yes=seen & (angle >= MIN_TURN), no=seen & (angle < MAX_STILL))


def moved_further(facts: Facts) -> list[Objects]:
    """Compare displacements of movers."""
    return pairs(exceeds(shift(facts), *FURTHER_MARGIN), movers(facts))


def moved_first(facts: Facts) -> list[Objects]:
    """Compare two movers where, in some frame, one has clearly left its place and the other not: (first, later)."""
    away = np.linalg.norm(facts.centre - facts.centre[0], axis=-1)  # time object
    leads = ((away >= MIN_DEPARTURE)[:, :, None] & (away < MAX_STILL)[:, None]).any(0)
    return pairs(leads, movers(facts))


def of_movers(facts: Facts, value: Float[np.ndarray, "object"]) -> list[tuple[Objects, float]]:
    """List one value for every mover."""
    return [((k,), float(value[k])) for k in np.flatnonzero(movers(facts) & (value >= MIN_LENGTH)).tolist()]


def duration(facts: Facts) -> float:
    """Measure the time from the first frame to the last, seconds."""
    return float(facts.seconds[-1] - facts.seconds[0])


def speed(facts: Facts) -> list[tuple[Objects, float]]:
    """List mean speeds: path over duration."""
    return of_movers(facts, path(facts) / duration(facts)) if duration(facts) > 0 else []


def rotation(facts: Facts) -> list[tuple[Objects, float]]:
    """List rotations in degrees, of what turns, by one turn at most."""
    angle = turn(facts)
    able = facts.visible_at_both_ends & (angle >= MIN_TURN) & (angle <= 2 * np.pi)
    return [((k,), float(np.degrees(angle[k]))) for k in np.flatnonzero(able).tolist()]


def elapsed(facts: Facts) -> list[tuple[Objects, float]]:
    """List the duration of the clip, once."""
    return [((), duration(facts))] if duration(facts) > 0 else []


DYNAMIC: tuple[Category, ...] = (
    ChoiceQuestion("moves", moves, ("Does <region0> move?",)),
    ChoiceQuestion(
        "approaches",
        approaches,
        ("Does <region0> move towards where the camera starts, or away?",),
        kept_of_approaches,
    ),
    ChoiceQuestion("direction", direction, ("Seen from where the camera starts, how does <region0> move?",)),
    ChoiceQuestion("rotates", rotates, ("Does <region0> turn?",)),
    Comparison("moved_further", moved_further, ("Which moves further?", "Which ends further from where it starts?")),
    Comparison("moved_first", moved_first, ("Which moves first?", "Which is first to move?")),
    Measurement(
        "displacement",
        lambda facts: of_movers(facts, shift(facts)),
        ("How far does <region0> end from where it starts?",),
    ),
    Measurement("path", lambda facts: of_movers(facts, path(facts)), ("How long is the path of <region0>?",)),
    Measurement("speed", speed, ("How fast does <region0> move?",), "m/s"),
    Measurement("rotation", rotation, ("By how many degrees does <region0> turn?",), "degrees"),
    Measurement("elapsed", elapsed, ("How long is the time from the first picture to the last?",), "s"),
)
