"""Boxes as they are, where there is no network that segments them."""

from __future__ import annotations

from collections.abc import Sequence

from jaxtyping import UInt8
from torch import Tensor

from models.regions import Region
from models.segmenters.contract import Prompt, Segmentation


class BoxSegmenter:
    """Marks all pixels that a box touches, on its frame alone."""

    tracks = False

    def __call__(self, video: UInt8[Tensor, "time 3 height width"], prompts: Sequence[Prompt]) -> list[Segmentation]:
        """Mark the box of each prompt.

        Raises:
            ValueError: a prompt has no box, or it lies outside of the frame.
        """
        height, width = video.shape[2:]
        found = []
        for prompt in prompts:
            if prompt.box is None:
                raise ValueError("a box is needed: clicks and texts need a network that segments")
            found.append(Segmentation(Region.from_box(prompt.box, height, width, prompt.frame or 0).masks))
        return found
