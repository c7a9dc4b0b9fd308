"""What is in a box, without a network: pixels whose colours differ from those around the box."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from models.regions import Region, tight_box
from models.segmenters.contract import Prompt, Segmentation

GAP = 0.1  # between a box and the ring around it, as a share of its sides: boxes are often a little small
RING = 0.15  # width of the ring, as a share of the longer side
SAMPLES = 1024  # colours that are compared
APART = 0.05  # distance of two colours (RGB, 0 to 1) that differ
LEAST = 0.2  # share of a box that has to differ, else all of it is marked


class ColourSegmenter:
    """Marks the pixels of a box that have no colour like those of a ring around it, on its frame alone.

    Where little differs, as of a thing that fills the picture, the whole box is marked.
    """

    tracks = False

    def __call__(self, video: UInt8[Tensor, "time 3 height width"], prompts: Sequence[Prompt]) -> list[Segmentation]:
        """Mark what is in the box of each prompt.

        Raises:
            ValueError: a prompt has no box, or it lies outside of the frame.
        """
        found = []
        for prompt in prompts:
            if prompt.box is None:
                raise ValueError("a box is needed: clicks and texts need a network that segments")
            frame = prompt.frame or 0
            box = Region.from_box(prompt.box, *video.shape[2:]).masks[0]
            found.append(Segmentation({frame: in_box(video[frame].float() / 255, box)}))
        return found


def in_box(image: Float[Tensor, "3 height width"], box: Bool[Tensor, "height width"]) -> Bool[Tensor, "height width"]:
    """Mark the pixels of a box whose colours are not among those around it."""
    left, top, right, bottom = map(int, tight_box(box))
    high, wide = bottom - top, right - left
    far = max(2, math.ceil(RING * max(high, wide)))
    ring = torch.zeros_like(box)
    for value, gap in ((True, far), (False, 0)):
        up, side = math.ceil(GAP * high) + gap, math.ceil(GAP * wide) + gap
        ring[max(0, top - up) : bottom + up, max(0, left - side) : right + side] = value
    around = image[:, ring].T
    if not len(around):
        return box
    around = around[torch.linspace(0, len(around) - 1, min(SAMPLES, len(around))).long()]
    inside = image[:, box].T
    nearest = torch.cat([torch.cdist(part, around).amin(1) for part in inside.split(2**14)])
    marked = torch.zeros_like(box)
    marked[box] = nearest > APART
    return marked if int(marked.sum()) >= LEAST * int(box.sum()) else box
