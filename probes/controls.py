"""What a clip is turned into before a model sees it: nothing, or a control that takes time away."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import torch
from jaxtyping import UInt8
from torch import Tensor

from probes.extractors.extractor import Extractor
from probes.extractors.noise import Noise
from probes.features import Features, SlotMap

CONTROLS = ("repeated", "shuffled")
TRIES = 1000


def view_features(
    extractor: Extractor,
    video: UInt8[Tensor, "time 3 height width"],
    views: Sequence[int],
    layers: Sequence[int],
    noise: Noise | None = None,
    control: str | None = None,
    seed: str = "",
) -> dict[int, Features]:
    """Extract the features of some frames of a clip, keeping no other slot.

    "repeated" gives the model, for each of the frames, a clip of this frame alone, as long as the clip: the same
    weights without anything to see over time. "shuffled" gives it the frames in another order (drawn from `seed`, the
    clip's name), in which all views still have slots of their own. Source: specs/vidfm3d.md section 8, control 4.

    Raises:
        ValueError: the control is unknown, or see `Extractor.extract`.
    """
    if control is None:
        return {k: found.of_frames(views) for k, found in extractor.extract(video, layers, noise).items()}
    taken = extractor.take(video)
    if control == "repeated":
        alone = [
            {k: found.of_frames([view]).values for k, found in extractor.extract(clip, layers, noise).items()}
            for view in views
            for clip in (taken[view : view + 1].expand(len(taken), -1, -1, -1),)
        ]
        slots = SlotMap(tuple((view,) for view in views))
        return {layer: Features(torch.cat([one[layer] for one in alone]), slots) for layer in layers}
    if control == "shuffled":
        order = shuffled_order(extractor, len(taken), views, seed)
        shuffled = extractor.extract(taken[order], layers, noise)
        places = [order.index(view) for view in views]
        return {
            layer: Features(found.values[found.slots.slots_of(places)], SlotMap(tuple((view,) for view in views)))
            for layer, found in shuffled.items()
        }
    raise ValueError(f"control={control!r} is unknown: choose {' or '.join(CONTROLS)}, or none")


def shuffled_order(extractor: Extractor, frames: int, views: Sequence[int], seed: str) -> list[int]:
    """Draw an order of frames in which the views have slots of their own, as they have in the clip.

    Raises:
        ValueError: no such order is found: the views share a slot already.
    """
    dice = Random(seed)
    slots = SlotMap(tuple(tuple(p[k] for k in s) for p in extractor.pieces(frames) for s in extractor.slots(len(p))))
    order = list(range(frames))
    for _ in range(TRIES):
        dice.shuffle(order)
        places = [order.index(view) for view in views]
        if len(set(slots.slots_of(places))) == len(views) and order != sorted(order):
            return order
    raise ValueError(f"{extractor.name} has no order of {frames} frames in which views {list(views)} have own slots")
