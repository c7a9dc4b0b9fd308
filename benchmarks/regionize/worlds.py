"""Questions about procedural worlds in words, where it is known what each names: how often is a region right?"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random

import torch
from jaxtyping import Bool, UInt8
from torch import Tensor

from benchmarks.comparison.bootstrap import Estimate, draw_resamples, estimate_table, tabulate
from benchmarks.regionize.item import GroundedPhrase, Regionized, VideoQuestion
from benchmarks.regionize.matching import overlap
from models.detectors import Detection
from models.detectors.contract import clipped
from models.regions import tight_box
from scenes.clip import Clip
from scenes.questions import Question, ask_about
from scenes.questions.category import with_options
from scenes.readers.masks.coco import draw_segmentation
from scenes.worlds import WorldConfig, make_world, render

CATEGORIES = ("nearer_camera", "nearer_region", "distance", "higher", "left_right")
RIGHT = 0.5  # IoU
MENTION = re.compile(r"<region(\d+)>")
OUTCOMES = ("right", "partial", "wrong", "dropped")


@dataclass(frozen=True)
class WorldQuestions:
    """Questions about one world, and the objects that their phrases name."""

    clip: Clip
    asked: Sequence[VideoQuestion]
    objects: Sequence[dict[str, int]]  # words of a phrase -> index of the object


def ask_in_words(seed: int, count: int, config: WorldConfig) -> WorldQuestions:
    """Render a world and ask about its objects by colour and kind ("the red chair"), where these name one object."""
    (clip,) = render([make_world(seed, config)], "cpu")
    assert clip.truth is not None
    names = [f"{each.colour} {each.family}" for each in clip.truth.objects]
    asked, objects = [], []
    for number, question in enumerate(
        ask_about(clip, torch.Generator().manual_seed(seed), categories=CATEGORIES, total=count)
    ):
        said = [names[k] for k in question.objects]
        if any(names.count(name) > 1 for name in said):
            continue
        asked.append(_in_words(question, said, f"{clip.name}/{number}", clip.name))
        objects.append(dict(zip(said, question.objects, strict=True)))
    return WorldQuestions(clip, asked, objects)


def _in_words(question: Question, names: Sequence[str], name: str, video: str) -> VideoQuestion:
    """Write the names of objects in place of their mentions; a question names its options too."""

    def said(text: str) -> str:
        return MENTION.sub(lambda found: f"the {names[int(found[1])]}", text)

    text, options = said(question.text), tuple(map(said, question.options))
    if options:
        stem = text.removesuffix(with_options("", options)).removesuffix("?")
        text = f"{stem}: {' or '.join(options)}?"
    return VideoQuestion(name, video, text, question.answer, options, question.category)


class OracleDetector:
    """A detector that knows the objects of one world: for tests of everything around a detector.

    A phrase gets the objects of its colour and kind with a score around 0.8, and those that share its colour or its
    kind with one around 0.3, each a little off. Its figures say nothing about a network.

    Args:
        clip: a procedural world.
        jitter: largest shift of a side of a box, as a share of its length.
        missed: share of the objects that it does not see.
    """

    def __init__(self, clip: Clip, jitter: float = 0.1, missed: float = 0.05) -> None:
        assert clip.truth is not None
        self.truth, self.video, self.jitter, self.missed = clip.truth, clip.video, jitter, missed
        self.name = clip.name

    def __call__(self, image: UInt8[Tensor, "3 height width"], phrase: str) -> list[Detection]:
        """Find the objects of a frame that the phrase names in part or whole."""
        frame = next(t for t in range(len(self.video)) if torch.equal(self.video[t], image))
        words, found = set(phrase.split()), []
        for k, each in enumerate(self.truth.objects):
            mask = self.truth.instances[frame] == k + 1
            shared = len({each.colour, each.family} & words)
            random = Random(f"{self.name} {frame} {k} {phrase}")
            if not shared or not mask.any() or random.random() < self.missed:
                continue
            box = clipped(self._shifted(mask, random), *mask.shape)
            if box is not None:
                found.append(Detection(box, (0.3, 0.8)[shared - 1] + random.uniform(-0.05, 0.05)))
        return sorted(found, key=lambda each: -each.score)

    def _shifted(self, mask: Bool[Tensor, "height width"], random: Random) -> list[float]:
        x0, y0, x1, y1 = tight_box(mask)
        return [
            value + random.uniform(-self.jitter, self.jitter) * side
            for value, side in zip((x0, y0, x1, y1), (x1 - x0, y1 - y0) * 2, strict=True)
        ]


def box_overlap(named: GroundedPhrase, index: int, clip: Clip) -> float:
    """Compute the IoU of the box that was chosen and that of the object, in the frame of the choice."""
    assert clip.truth is not None
    assert named.chosen is not None
    chosen = named.candidates[named.chosen]
    mask = clip.truth.instances[chosen.frame] == index + 1
    return overlap(chosen.box, tight_box(mask)) if mask.any() else 0.0


def first_mask_iou(named: GroundedPhrase, index: int, clip: Clip) -> float:
    """Compute the IoU of the masks of a region and of an object, in the frame in which it was found."""
    assert named.chosen is not None
    frame = named.candidates[named.chosen].frame
    return _mask_iou(named, index, clip, [frame])


def mask_iou(named: GroundedPhrase, index: int, clip: Clip) -> float:
    """Compute the IoU of the masks of a region and of an object, over all frames together."""
    return _mask_iou(named, index, clip, range(len(clip)))


STEPS: Mapping[
    str, Callable[[GroundedPhrase, int, Clip], float]
] = {  # what is compared with the object that a phrase names
    "box": box_overlap,
    "mask where it was found": first_mask_iou,
    "masks of all frames": mask_iou,
}


def outcome(item: Regionized, objects: Mapping[str, int], clip: Clip, step: str) -> str:
    """Judge an item by one of STEPS, which is right where the IoU is 0.5 or more.

    An item is "right" where every object that its question names has its region, "partial" where some have none,
    "wrong" where a region is that of something else, and "dropped" where there is none.
    """
    if not item.regions:
        return "dropped"
    for each in item.regions:
        words = each.phrase.words
        if words not in objects or STEPS[step](each, objects[words], clip) < RIGHT:
            return "wrong"
    return "right" if len(item.regions) == len(objects) else "partial"


def _mask_iou(named: GroundedPhrase, index: int, clip: Clip, frames: Iterable[int]) -> float:
    assert clip.truth is not None
    truth = clip.truth.instances == index + 1
    shared = either = 0
    for frame in frames:
        code = named.masks.get(frame)
        found = torch.zeros(clip.size, dtype=torch.bool)
        if code is not None:
            found = torch.from_numpy(draw_segmentation(code, *clip.size))
        shared += int((found & truth[frame]).sum())
        either += int((found | truth[frame]).sum())
    return shared / either if either else 0.0


def share(values: Sequence[bool], clips: Sequence[str]) -> Estimate:
    """Estimate a share with a 95 % interval, resampling clips."""
    table, counts = tabulate([float(value) for value in values], clips, [0] * len(values))
    draws = draw_resamples(table.shape[1], 1, torch.Generator().manual_seed(0))
    return estimate_table(table, counts, draws)


def shares(outcomes: Sequence[tuple[str, str]]) -> Iterator[tuple[str, Estimate]]:
    """Estimate the share of every outcome, of pairs of clip and outcome."""
    clips = [clip for clip, _ in outcomes]
    for each in OUTCOMES:
        yield each, share([what == each for _, what in outcomes], clips)
