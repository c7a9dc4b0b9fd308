"""What turns clicks or a text into the masks of an object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from jaxtyping import Bool, UInt8
from torch import Tensor


@dataclass(frozen=True)
class Click:
    """A point (pixels of the video) that is part of the object, or is not (`inside` is False)."""

    frame: int
    x: int | float
    y: int | float
    inside: bool = True


@dataclass(frozen=True)
class Prompt:
    """One object: by clicks, by a text, or by a box (x0, y0, x1, y1; pixels).

    `frame` is that of the box (0 without one), or where the text must find the object; None leaves it open.
    """

    clicks: tuple[Click, ...] = ()
    text: str = ""
    frame: int | None = None
    box: tuple[int | float, int | float, int | float, int | float] | None = None


@dataclass(frozen=True)
class Segmentation:
    """The masks of one object, by frame; frames without a pixel of it are missing.

    `matches` counts the objects that a text matched; the one with the highest score was taken.
    """

    masks: Mapping[int, Bool[Tensor, "height width"]]
    matches: int = 1


@runtime_checkable
class Segmenter(Protocol):
    """Anything that segments the objects of prompts in the frames of a clip, on the device of its network."""

    @property
    def tracks(self) -> bool:
        """Whether it follows an object through the video; otherwise it marks the frames of the prompt alone."""

    def __call__(
        self, video: UInt8[Tensor, "time 3 height width"], prompts: Sequence[Prompt]
    ) -> Sequence[Segmentation]:
        """Segment the object of each prompt."""


def marked(masks: Mapping[int, Bool[Tensor, "height width"]]) -> dict[int, Bool[Tensor, "height width"]]:
    """Leave out the frames without a pixel."""
    return {frame: mask.cpu() for frame, mask in sorted(masks.items()) if bool(mask.any())}
