"""One clip with its questions, prepared once and cached: everything that a batch is collated from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float, Int64, UInt8
from torch import Tensor

from models.regions import RegionMasks

SEEN = ("pixels", "points", "points_valid", "seconds", "camera_centres", "camera_known", "prefix")


@dataclass(frozen=True)
class Sample:
    """A prepared clip or image. Pixels stay uint8; points are canonical, clipped, and pooled to the token grid.

    `scale` is metres per canonical unit, None where no point or no metric scale is known. `prefix` are the ids before
    the question, with all visual placeholders. `depth_pixels` is a picture of the depth, for models that take one.
    `mentions[q]` lists the regions that question q points at, in order.
    """

    pixels: UInt8[Tensor, "tile 3 side side"]
    points: Float[Tensor, "tile fine_rows fine_cols 3"]
    points_valid: Bool[Tensor, "tile fine_rows fine_cols"]
    seconds: Float[Tensor, "tile"] | None
    camera_centres: Float[Tensor, "frame 3"]
    camera_known: Bool[Tensor, "frame"]
    scale: float | None
    shift: tuple[float, float, float] | None
    regions: RegionMasks
    prefix: Int64[Tensor, "token"]
    questions: tuple[Int64[Tensor, "_"], ...]
    mentions: tuple[Int64[Tensor, "_"], ...]
    answers: tuple[Int64[Tensor, "_"], ...] | None = None
    depth_pixels: UInt8[Tensor, "tile 3 side side"] | None = None

    def select(self, index: Sequence[int]) -> Sample:
        """Keep some of the questions."""
        return replace(
            self,
            questions=tuple(self.questions[q] for q in index),
            mentions=tuple(self.mentions[q] for q in index),
            answers=None if self.answers is None else tuple(self.answers[q] for q in index),
        )

    def unanswered(self) -> Sample:
        """Leave every answer empty: the questions stay, and none of their tokens has a label."""
        return replace(self, answers=(self.prefix[:0],) * len(self.questions))

    def shows_the_same(self, other: Sample) -> bool:
        """Whether a model sees the same, whatever is asked: all but regions, questions and answers are equal."""
        return (self.scale, self.shift) == (other.scale, other.shift) and all(
            torch.equal(mine, theirs) if mine is not None and theirs is not None else mine is theirs
            for mine, theirs in ((getattr(self, name), getattr(other, name)) for name in SEEN)
        )
