"""Region questions about a real room, with answers from the depth sensor and the camera poses.

Regions are random boxes on surfaces; the wording is that of `scenes.questions`. All items come from one room, and in a
short clip from nearly one viewpoint: they are dependent, and many of them do not make the room larger. A model that is
given the depth can read the answer from it; with noise instead of colour (`noise_video`) it can do nothing else. A high
score therefore shows geometry read-out, not recognition.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import numpy as np
import torch
from jaxtyping import Float64

from benchmarks.tasks.task import Item
from models.regions import Region
from scenes.clip import Clip
from scenes.questions import CATEGORIES, LETTERS, Question, format_quantity
from scenes.questions.category import with_options
from scenes.rgbd_folder import read_rgbd_folder

APART = 0.1  # metres between what is compared, and the shortest distance: far above the error of the sensor in a room
MIN_SIDE, MAX_SIDE = 1 / 16, 1 / 5  # of a box, as a share of the height of a frame
MIN_VALID = 0.8  # share of a box that the sensor sees
MAX_SPREAD = 0.2  # metres from the 10 % to the 90 % quantile of depth in a box: it marks one surface
POOL = 100  # boxes in a view to combine
TRIES = 10_000  # draws before giving up


@dataclass(frozen=True, eq=False)
class Patch:
    """A box (x0, y0, x1, y1) on a surface: the median of its valid points, and the height below which 95 % of them are.

    Both in metres, world frame. The median stands for the region, as the box centre of an object does in a world.
    """

    frame: int
    box: tuple[int, int, int, int]
    point: Float64[np.ndarray, "3"]
    top: float


Readings = list[tuple[float, float]]  # one pair for each way to measure: first and second option; the smaller one wins


def nearer_camera(clip: Clip, first: Patch, second: Patch) -> Readings:
    """Measure by z-depth and by distance in the first camera of the clip."""
    assert clip.world_T_cam is not None
    camera = clip.world_T_cam[0].double().numpy()
    one, other = first.point - camera[:3, 3], second.point - camera[:3, 3]
    return [(one @ camera[:3, 2], other @ camera[:3, 2]), (float(np.linalg.norm(one)), float(np.linalg.norm(other)))]


def nearer_region(clip: Clip, reference: Patch, first: Patch, second: Patch) -> Readings:
    """Measure the distances to the reference."""
    return [(distance(reference, first), distance(reference, second))]


def higher(clip: Clip, first: Patch, second: Patch) -> Readings:
    """Measure the tops, and the heights of the points as well."""
    return [(-first.top, -second.top), (-first.point[2], -second.point[2])]


def distance(one: Patch, other: Patch) -> float:
    """Measure from point to point, metres."""
    return float(np.linalg.norm(one.point - other.point))


COMPARISONS: dict[str, tuple[int, Callable[..., Readings]]] = {  # name -> how many regions, and how to measure
    "nearer_camera": (2, nearer_camera),
    "nearer_region": (3, nearer_region),
    "higher": (2, higher),
}


def real_rgbd_items(
    folder: str | Path,
    count: int = 300,
    seed: int = 0,
    categories: Sequence[str] = (*COMPARISONS, "distance"),
    frames: int | None = None,
    multi_view: bool = False,
) -> list[Item]:
    """Ask `count` questions of each category about an RGB-D folder; the same seed gives the same items.

    What is compared differs by 10 cm or more, by whichever reading of the question. "At the start" is the first frame
    of the item's clip. Distances are those between the median points of the regions.

    Args:
        folder: what `read_rgbd_folder` reads.
        count: items of each category.
        seed: of the boxes, the pairs and the wording.
        categories: out of nearer_camera, nearer_region, higher, distance.
        frames: sample so many frames of the folder; by default all.
        multi_view: the clip of an item is the whole clip, with boxes on any frames; else the one frame of its boxes.

    Raises:
        ValueError: a category is not one of these, or the folder shows no regions to ask about.
    """
    if unknown := [name for name in categories if name not in (*COMPARISONS, "distance")]:
        raise ValueError(
            f"no RGB-D question {', '.join(unknown)}: choose among {', '.join((*COMPARISONS, 'distance'))}"
        )
    clip = read_rgbd_folder(folder, frames)
    views = [clip] if multi_view else [clip.frames([i]) for i in range(len(clip))]
    rng = Random(seed)
    pools = [draw_patches(view, rng) for view in views]
    items, asked = [], set[tuple[str, frozenset[Patch]]]()
    for category in categories:
        for number in range(count):
            index = rng.randrange(len(views))
            question, patches = draw_question(category, views[index], pools[index], asked, rng)
            items.append(
                Item(
                    name=f"{clip.name}/{category}/{number}",
                    cluster=f"{clip.name}/{index}",
                    clip=views[index],
                    regions=[Region.from_box(patch.box, *clip.size, patch.frame) for patch in patches],
                    question=question,
                )
            )
    return items


def draw_patches(clip: Clip, rng: Random) -> list[Patch]:
    """Draw random boxes that lie on one surface each, on random frames.

    Raises:
        ValueError: hardly any box does, because depth is missing or rough everywhere.
    """
    points = clip.points()
    assert points is not None
    assert clip.depth is not None
    xyz, valid, depth = points.xyz.double().numpy(), points.valid.numpy(), clip.depth.numpy()
    height, width = clip.size
    patches: list[Patch] = []
    for _ in range(TRIES):
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
        if len(patches) == POOL:
            return patches
    raise ValueError(f"clip {clip.name}: only {len(patches)} of {TRIES} random boxes lie on one surface, need {POOL}")


def draw_question(
    category: str, clip: Clip, pool: Sequence[Patch], asked: set[tuple[str, frozenset[Patch]]], rng: Random
) -> tuple[Question, list[Patch]]:
    """Draw patches until their answer is clear; return the question and its patches in the order of mention.

    `asked` holds the combinations that have been drawn before, which are not drawn again, and takes the new one.

    Raises:
        ValueError: no clear combination is found.
    """
    count = COMPARISONS[category][0] if category in COMPARISONS else 2
    for _ in range(TRIES):
        patches = rng.sample(pool, count)
        combination = (category, frozenset(patches))
        if combination in asked or any(overlap(a, b) for i, a in enumerate(patches) for b in patches[:i]):
            continue
        question = compare(category, clip, patches, rng) if category in COMPARISONS else measure(patches, rng)
        if question is not None:
            asked.add(combination)
            return question, patches
    raise ValueError(f"clip {clip.name}: no {category} question is left: fewer items, or more footage")


def compare(category: str, clip: Clip, patches: Sequence[Patch], rng: Random) -> Question | None:
    """Ask which of the last two patches wins, if all readings agree by 10 cm; patches come in random order."""
    gaps = [second - first for first, second in COMPARISONS[category][1](clip, *patches)]
    if not (min(gaps) >= APART or max(gaps) <= -APART):
        return None
    options = (f"<region{len(patches) - 2}>", f"<region{len(patches) - 1}>")
    text = with_options(rng.choice(CATEGORIES[category].stems), options)
    return Question(category, text, LETTERS[0 if gaps[0] > 0 else 1], options, tuple(range(len(patches))))


def measure(patches: Sequence[Patch], rng: Random) -> Question | None:
    """Ask for the distance between two patches."""
    value = distance(*patches)
    if value < APART:
        return None
    text = rng.choice(CATEGORIES["distance"].stems)
    return Question("distance", text, format_quantity(value, "m"), (), (0, 1), value, "m")


def overlap(one: Patch, other: Patch) -> bool:
    """Tell whether two boxes share a pixel of a frame."""
    apart = any(one.box[k] >= other.box[k + 2] or other.box[k] >= one.box[k + 2] for k in (0, 1))
    return one.frame == other.frame and not apart


def lower_is_nearer(item: Item) -> str:
    """Answer `nearer_camera` by the heuristic "lower in the picture is nearer": the larger mean row, no depth used."""
    rows = [
        max(float(mask.nonzero()[:, 0].float().mean()) for mask in region.masks.values() if mask.any())
        for region in item.regions
    ]
    return LETTERS[rows.index(max(rows))]


def noise_video(clip: Clip, seed: int) -> Clip:
    """Replace the colours of a clip by uniform noise; depth, cameras and times stay."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randint(0, 256, clip.video.shape, generator=generator, dtype=torch.uint8)
    return replace(clip, video=noise.to(clip.video.device))
