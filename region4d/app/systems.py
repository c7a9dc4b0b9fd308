"""The models of a server, which all visitors share, and what they answer."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from models.queries.query import Query
from models.regions import follow
from models.sr3d.answering import Answerer
from models.sr3d.text.mentions import mention
from region4d.cards.answers import Answer, Refusal, with_option
from region4d.footage import MarkedClip
from region4d.footage.notes import footage_notes, given_to
from region4d.footage.scale import state_scale
from region4d.footage.visibility import region_facts, visibility_notes
from region4d.loading import FRAMES
from region4d.questions import check_words, footage_domain, untrained_notes
from scenes.questions import CATEGORIES
from scenes.questions.category import Comparison, with_options

EXAMPLES = ("distance", "nearer_camera", "depth", "taller", "height", "left_right", "width")


@dataclass
class System:
    """A model under its name."""

    name: str
    answerer: Answerer

    @classmethod
    def load(
        cls, model: str | Path, device: str | None = None, dtype: str | None = None, bits: int | None = None
    ) -> System:
        """Load a checkpoint; arguments and errors are those of `Answerer.from_folder`."""
        return cls(Path(model).name, Answerer.from_folder(model, device, dtype, bits))

    @property
    def frames(self) -> int:
        """How many frames of a video it was trained with; 4 where it does not say."""
        return self.answerer.processor.video_frames or FRAMES

    @property
    def examples(self) -> list[str]:
        """Questions about `<region0>` and `<region1>` that it can read."""
        return [text for text in map(_example, EXAMPLES) if self.reads(text)]

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
        given = [
            *given_to(footage.clip, footage.depth, self.answerer.reads_depth),
            *footage_notes(footage, relative),
            *seen,
        ]
        given += footage_domain(self.answerer.processor, footage.clip)
        given += untrained_notes(self.answerer.processor, question)
        start = time.perf_counter()
        for text in self.answerer.stream(Query(footage.clip, regions, question)):
            seconds = time.perf_counter() - start
            yield Answer(self.name, with_option(state_scale(text, not relative), question), seconds, given)

    def answer(self, footage: MarkedClip, question: str) -> Answer:
        """Answer a question about marked footage; errors as `stream` has them."""
        *_, whole = self.stream(footage, question)
        return whole


def said_by(system: System, footage: MarkedClip, question: str) -> Iterator[Answer | Refusal]:
    """Ask a model and follow its answer word by word; what it cannot be asked is its refusal."""
    try:
        yield from system.stream(footage, question)
    except ValueError as error:
        yield Refusal(system.name, str(error))


def _example(name: str) -> str:
    category = CATEGORIES[name]
    return (
        with_options(category.stems[0], (mention(0), mention(1)))
        if isinstance(category, Comparison)
        else category.stems[0]
    )
