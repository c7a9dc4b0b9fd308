"""The models of a server, which all visitors share, and what they answer."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from models.regions import follow
from models.sr3d.answering import Answerer, Query
from models.sr3d.text.mentions import mention
from region4d.footage import MarkedClip
from region4d.footage.notes import footage_notes
from region4d.footage.scale import state_scale
from region4d.footage.visibility import region_facts, visibility_notes
from region4d.loading import FRAMES
from region4d.questions import check_words, untrained_notes
from scenes.questions import CATEGORIES
from scenes.questions.category import Comparison, with_options

EXAMPLES = ("distance", "nearer_camera", "depth", "taller", "height", "left_right", "width")
_OPTION = re.compile(r"\(([A-D])\) (.+?)(?= \([A-D]\) |$)")


@dataclass(frozen=True)
class Answer:
    """What one model said of a question. `given` says what it was given, one line each."""

    model: str
    text: str
    seconds: float
    given: Sequence[str]


@dataclass
class System:
    """A model under its name."""

    name: str
    answerer: Answerer

    @classmethod
    def load(cls, model: str | Path, device: str | None = None) -> System:
        """Load a checkpoint; errors as `Answerer.from_folder` has them."""
        return cls(Path(model).name, Answerer.from_folder(model, device))

    @property
    def frames(self) -> int:
        """How many frames of a video it was trained with; 4 where it does not say."""
        return self.answerer.processor.video_frames or FRAMES

    @property
    def examples(self) -> list[str]:
        """Questions about `<region0>` and `<region1>` that it can read."""
        return [text for text in map(_example, EXAMPLES) if self.reads(text)]

    @property
    def reads_depth(self) -> bool:
        """Whether depth and camera poses change its answers; those of a 2D model they do not."""
        return self.answerer.model.config.position_encoding or self.answerer.processor.depth_picture

    def reads(self, question: str) -> bool:
        """Whether it knows every word of a question."""
        try:
            check_words(self.answerer.processor, question)
        except ValueError:
            return False
        return True

    def stream(self, footage: MarkedClip, question: str) -> Iterator[Answer]:
        """Answer a question about marked footage word by word: each answer goes on from the one before.

        Raises:
            ValueError: a word is unknown to the model, a region has no depth, or the footage is of a kind that it
                does not take.
        """
        check_words(self.answerer.processor, question)
        regions = footage.regions
        seen = visibility_notes(region_facts(footage, regions), len(footage.clip))
        if self.answerer.processor.follow:
            regions = follow(footage.clip.video, regions)
        relative = footage.relative and not self.answerer.guesses_scale
        given = [*given_to(footage, self.reads_depth), *footage_notes(footage, relative), *seen]
        given += untrained_notes(self.answerer.processor, question)
        start = time.perf_counter()
        for text in self.answerer.stream(Query(footage.clip, regions, question)):
            seconds = time.perf_counter() - start
            yield Answer(self.name, with_option(state_scale(text, not relative), question), seconds, given)

    def answer(self, footage: MarkedClip, question: str) -> Answer:
        """Answer a question about marked footage; errors as `stream` has them."""
        *_, whole = self.stream(footage, question)
        return whole


def given_to(footage: MarkedClip, reads_depth: bool) -> list[str]:
    """State the frames, depth and scale that a model is given."""
    clip = footage.clip
    span = f" over {float(clip.seconds[-1] - clip.seconds[0]):.2f} s" if len(clip) > 1 else ""
    frames = f"{len(clip)} frame{'s' if len(clip) > 1 else ''} of {clip.size[1]}x{clip.size[0]} pixels{span}"
    if footage.depth is None:
        return [frames, "no depth: colours alone"]
    if not reads_depth:
        return [frames, "colours alone: this model does not read depth"]
    scale = "metric" if clip.metric else "of unknown scale"
    poses = "camera poses: known" if clip.world_T_cam is not None else "camera poses: none"
    return [frames, f"depth: {footage.depth} ({scale})", poses]


def with_option(answer: str, question: str) -> str:
    """Write what a letter of an answer stands for: "B: <region1>"."""
    options = dict(_OPTION.findall(question))
    return f"{answer}: {options[answer]}" if answer in options else answer


def _example(name: str) -> str:
    category = CATEGORIES[name]
    return (
        with_options(category.stems[0], (mention(0), mention(1)))
        if isinstance(category, Comparison)
        else category.stems[0]
    )
