"""Questions about boxes on surfaces: walls, floor, furniture, whatever has depth and poses; no object is needed.

The wording is that of the questions about objects. What is compared differs by 10 cm or more, by whichever reading of
the question. "At the start" is the first frame of the clip, which need not show the box.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random

import numpy as np
import torch
from jaxtyping import Float64

from models.regions import Region
from models.sr3d.text.mentions import mention
from scenes.clip import Clip
from scenes.questions.ask import CATEGORIES
from scenes.questions.category import with_options
from scenes.questions.quantity import format_quantity
from scenes.questions.question import LETTERS, Question

MIN_GAP = 0.1  # metres between what is compared, and the shortest distance: far above the error of the sensor in a room
MIN_SIDE, MAX_SIDE = 1 / 16, 1 / 5  # of a box, as a share of the height of a frame
MIN_VALID = 0.8  # share of a box that the sensor sees
MAX_SPREAD = 0.2  # metres from the 10 % to the 90 % quantile of depth in a box: it marks one surface
MAX_TRIES = 10_000  # draws before giving up


@dataclass(frozen=True, eq=False)
class Patch:
    """A box (x0, y0, x1, y1) on a surface: the median of its valid points, and the height below which 95 % of them are.

    Both in metres, world frame. The median is the region's position, as the box centre is that of an object.
    """

    frame: int
    box: tuple[int, int, int, int]
    point: Float64[np.ndarray, "3"]
    top: float


Readings = list[tuple[float, float]]  # one pair for each way to measure: first and second option; the smaller one wins


def nearer_camera(clip: Clip, first: Patch, second: Patch) -> Readings:
    """Measure by z-depth and by distance in the first camera of the clip."""
    assert clip.world_T_cam is not None
    centre = clip.world_T_cam[0, :3, 3].double().numpy()
    one, other = (float(np.linalg.norm(patch.point - centre)) for patch in (first, second))
    return [(depth(clip, first), depth(clip, second)), (one, other)]


def nearer_region(clip: Clip, reference: Patch, first: Patch, second: Patch) -> Readings:
    """Measure the distances to the reference."""
    return [(distance(clip, reference, first), distance(clip, reference, second))]


def higher(clip: Clip, first: Patch, second: Patch) -> Readings:
    """Measure the tops, and the heights of the points as well."""
    return [(-first.top, -second.top), (-first.point[2], -second.point[2])]


def distance(clip: Clip, one: Patch, other: Patch) -> float:
    """Measure from point to point, metres."""
    return float(np.linalg.norm(one.point - other.point))


def depth(clip: Clip, patch: Patch) -> float:
    """Measure the z-depth in the first camera of the clip, metres; negative behind it."""
    assert clip.world_T_cam is not None
    camera = clip.world_T_cam[0].double().numpy()
    return float((patch.point - camera[:3, 3]) @ camera[:3, 2])


def top(clip: Clip, patch: Patch) -> float:
    """Measure the height above z = 0, metres: above the floor, in a world."""
    return patch.top


COMPARISONS: dict[str, tuple[int, Callable[..., Readings]]] = {  # name -> how many regions, and how to measure
    "nearer_camera": (2, nearer_camera),
    "nearer_region": (3, nearer_region),
    "higher": (2, higher),
}
MEASUREMENTS: dict[str, tuple[int, Callable[..., float]]] = {
    "distance": (2, distance),
    "depth": (1, depth),
    "top": (1, top),
}
PATCH_CATEGORIES = {name: count for name, (count, _) in (*COMPARISONS.items(), *MEASUREMENTS.items())}


def ask_about_patches(
    clip: Clip, generator: torch.Generator, *, categories: Sequence[str], total: int, pool: int = 12
) -> tuple[list[Question], list[Region]]:
    """Draw up to `total` different questions about `pool` boxes; `objects` of a question are numbers of the regions.

    Categories that need more than geometry, or that these boxes cannot answer, are skipped.

    Raises:
        ValueError: the clip lacks depth or poses, or hardly any box lies on one surface.
    """
    rng = Random(int(torch.randint(2**62, (), generator=generator)))
    patches = draw_patches(clip, rng, pool)
    number = {patch: k for k, patch in enumerate(patches)}
    asked: set[tuple[str, frozenset[Patch]]] = set()
    left = [name for name in categories if name in PATCH_CATEGORIES]
    questions: list[Question] = []
    while left and len(questions) < total:
        for name in rng.sample(left, len(left)):
            found = draw_question(name, clip, patches, asked, rng, tries=50)
            if found is None:
                left.remove(name)
            else:
                question, mentioned = found
                questions.append(replace(question, objects=tuple(number[patch] for patch in mentioned)))
    return questions[:total], [Region.from_box(patch.box, *clip.size, patch.frame) for patch in patches]


def draw_patches(clip: Clip, rng: Random, count: int) -> list[Patch]:
    """Draw random boxes that lie on one surface each, on random frames.

    Raises:
        ValueError: the clip lacks depth or poses, or hardly any box does, because depth is missing or rough everywhere.
    """
    points = clip.points()
    if points is None or clip.depth is None or clip.world_T_cam is None:
        raise ValueError(f"boxes on surfaces need depth, intrinsics and world_T_cam: clip {clip.name} lacks one")
    xyz, valid, depth = points.xyz.double().numpy(), points.valid.numpy(), clip.depth.numpy()
    height, width = clip.size
    patches: list[Patch] = []
    for _ in range(MAX_TRIES):
        frame, sides = rng.randrange(len(clip)), [int(rng.uniform(MIN_SIDE, MAX_SIDE) * height) for _ in range(2)]
        left, top = rng.randrange(width - sides[0]), rng.randrange(height - sides[1])
        box = (left, top, left + sides[0], top + sides[1])
        inside = (frame, slice(box[1], box[3]), slice(box[0], box[2]))
        known = valid[inside]
        if known.mean() < MIN_VALID:
            continue
        low, high = np.quantile(depth[inside][known], (0.1, 0.9))
        if high - low > MAX_SPREAD:
            continue
        surface = xyz[inside][known]
        patches.append(Patch(frame, box, np.median(surface, axis=0), float(np.quantile(surface[:, 2], 0.95))))
        if len(patches) == count:
            return patches
    raise ValueError(
        f"clip {clip.name}: only {len(patches)} of {MAX_TRIES} random boxes lie on one surface, need {count}"
    )


def draw_question(
    category: str,
    clip: Clip,
    pool: Sequence[Patch],
    asked: set[tuple[str, frozenset[Patch]]],
    rng: Random,
    tries: int = MAX_TRIES,
) -> tuple[Question, list[Patch]] | None:
    """Draw patches until their answer is clear; return the question and its patches in the order of mention.

    `asked` holds the combinations that have been drawn before, which are not drawn again, and takes the new one. None
    after `tries` draws in vain.
    """
    for _ in range(tries):
        patches = rng.sample(pool, PATCH_CATEGORIES[category])
        combination = (category, frozenset(patches))
        if combination in asked or any(overlap(a, b) for i, a in enumerate(patches) for b in patches[:i]):
            continue
        question = (
            compare(category, clip, patches, rng) if category in COMPARISONS else measure(category, clip, patches, rng)
        )
        if question is not None:
            asked.add(combination)
            return question, patches
    return None


def compare(category: str, clip: Clip, patches: Sequence[Patch], rng: Random) -> Question | None:
    """Ask which of the last two patches wins, if all readings agree by 10 cm; patches come in random order."""
    gaps = [second - first for first, second in COMPARISONS[category][1](clip, *patches)]
    if not (min(gaps) >= MIN_GAP or max(gaps) <= -MIN_GAP):
        return None
    options = (mention(len(patches) - 2), mention(len(patches) - 1))
    text = with_options(rng.choice(CATEGORIES[category].stems), options)
    return Question(category, text, LETTERS[0 if gaps[0] > 0 else 1], options, tuple(range(len(patches))))


def measure(category: str, clip: Clip, patches: Sequence[Patch], rng: Random) -> Question | None:
    """Ask for a length of 10 cm or more."""
    value = MEASUREMENTS[category][1](clip, *patches)
    if value < MIN_GAP:
        return None
    text = rng.choice(CATEGORIES[category].stems)
    return Question(category, text, format_quantity(value, "m"), (), tuple(range(len(patches))), value, "m")


def overlap(one: Patch, other: Patch) -> bool:
    """Tell whether two boxes share a pixel of a frame."""
    apart = any(one.box[k] >= other.box[k + 2] or other.box[k] >= one.box[k + 2] for k in (0, 1))
    return one.frame == other.frame and not apart
