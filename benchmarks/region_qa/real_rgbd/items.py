"""Region questions about a real room, with answers from the depth sensor and the camera poses.

Regions are random boxes on surfaces (`scenes.questions.patches`). All items come from one room, and in a short clip
from nearly one viewpoint, so they are dependent: more items do not add rooms. A model that sees the depth can read the
answer from it, and with noise instead of colour (`noise_video`) from nothing else. A high score therefore shows
geometry read-out, not recognition.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from random import Random

import torch

from benchmarks.region_qa.tasks.media import BoxMark
from benchmarks.region_qa.tasks.task import Item
from scenes.clip import Clip
from scenes.questions import LETTERS
from scenes.questions.patches import COMPARISONS, Patch, draw_patches, draw_question
from scenes.readers.rgbd import read_rgbd_folder

CATEGORIES = (*COMPARISONS, "distance")
BOXES_PER_VIEW = 100  # boxes that the questions about a view choose from


@dataclass(frozen=True)
class RoomView:
    """One frame of an RGB-D folder, or all frames that are sampled of it where `frame` is None."""

    folder: Path
    frames: int | None = None
    frame: int | None = None

    def read(self) -> Clip:
        """Read the frames, with what the whole folder says about them."""
        clip = read_room(self.folder, self.frames)
        return clip if self.frame is None else clip.frames([self.frame])


@lru_cache(maxsize=1)
def read_room(folder: Path, frames: int | None) -> Clip:
    """Read an RGB-D folder once for all its views."""
    return read_rgbd_folder(folder, frames)


def real_rgbd_items(
    folder: str | Path,
    count: int = 300,
    seed: int = 0,
    categories: Sequence[str] = CATEGORIES,
    frames: int | None = None,
    multi_view: bool = False,
) -> list[Item]:
    """Ask `count` questions of each category about an RGB-D folder; the same seed gives the same items.

    Compared quantities differ by at least 10 cm under every reading of the question. "At the start" is the first frame
    of the item's clip. Distances are between the median points of the regions.

    Args:
        folder: RGB-D folder, see `read_rgbd_folder`.
        count: number of items of each category.
        seed: seed of the boxes, their pairs and the wording.
        categories: some of nearer_camera, nearer_region, higher, distance.
        frames: number of frames to sample from the folder; all by default.
        multi_view: whether an item's clip is the whole clip, with boxes on any frames; otherwise it is one frame.

    Raises:
        ValueError: a category is unknown, or the folder has too few regions for that many items.
    """
    if unknown := [name for name in categories if name not in CATEGORIES]:
        raise ValueError(
            f"unknown category {', '.join(unknown)} of RGB-D questions: choose among {', '.join(CATEGORIES)}"
        )
    read_room.cache_clear()  # the folder may hold other footage by now
    clip = read_room(Path(folder), frames)
    media = [RoomView(Path(folder), frames, None if multi_view else i) for i in range(1 if multi_view else len(clip))]
    views = [view.read() for view in media]
    rng = Random(seed)
    pools = [draw_patches(view, rng, BOXES_PER_VIEW) for view in views]
    items, asked = [], set[tuple[str, frozenset[Patch]]]()
    for category in categories:
        for number in range(count):
            index = rng.randrange(len(views))
            drawn = draw_question(category, views[index], pools[index], asked, rng)
            if drawn is None:
                raise ValueError(
                    f"{clip.name} yields {number} of {count} {category} questions: ask fewer, or give more footage"
                )
            question, patches = drawn
            items.append(
                Item(
                    name=f"{clip.name}/{category}/{number}",
                    cluster=f"{clip.name}/{index}",
                    media=media[index],
                    marks=[BoxMark(patch.box, patch.frame) for patch in patches],
                    question=question,
                )
            )
    return items


def lower_is_nearer(item: Item) -> str:
    """Answer `nearer_camera` without depth, by the heuristic that the region lower in the picture is nearer."""
    rows = [
        max(float(mask.nonzero()[:, 0].float().mean()) for mask in region.masks.values() if mask.any())
        for region in item.open().regions
    ]
    return LETTERS[rows.index(max(rows))]


def noise_video(clip: Clip, seed: int) -> Clip:
    """Replace the colours of a clip by uniform noise; depth, cameras and times stay."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randint(0, 256, clip.video.shape, generator=generator, dtype=torch.uint8)
    return replace(clip, video=noise.to(clip.video.device))
