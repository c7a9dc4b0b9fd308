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


def view_features(
    extractor: Extractor,
    video: UInt8[Tensor, "time 3 height width"],
    views: Sequence[int],
    layers: Sequence[int],
    noise: Noise | None = None,
    control: str | None = None,
    clip: str = "",
) -> dict[int, Features]:
    """Extract the features of some frames of a clip, keeping no other slot.

    "repeated" gives the model, for each of the frames, a clip of this frame alone, as long as the clip: the same
    weights without anything to see over time. "shuffled" gives it the frames in another order (drawn from the name of
    the `clip`), in which all views still have slots of their own. Source: specs/vidfm3d.md section 8, control 4.

    Raises:
        ValueError: the control is unknown, or see `Extractor.extract`.
    """
    if control is None:
        return {k: found.of_frames(views) for k, found in extractor.extract(video, layers, noise, clip).items()}
    taken = extractor.take(video)
    if control == "repeated":
        alone = [
            {k: found.of_frames([view]).values for k, found in extractor.extract(still, layers, noise, clip).items()}
            for view in views
            for still in (taken[view : view + 1].expand(len(taken), -1, -1, -1),)
        ]
        slots = SlotMap(tuple((view,) for view in views))
        return {layer: Features(torch.cat([one[layer] for one in alone]), slots) for layer in layers}
    if control == "shuffled":
        order = shuffled_order(extractor, len(taken), views, clip)
        shuffled = extractor.extract(taken[order], layers, noise, clip)
        places = [order.index(view) for view in views]
        return {
            layer: Features(found.values[found.slots.slots_of(places)], SlotMap(tuple((view,) for view in views)))
            for layer, found in shuffled.items()
        }
    raise ValueError(f"control={control!r} is unknown: choose {' or '.join(CONTROLS)}, or none")


def shuffled_order(extractor: Extractor, frames: int, views: Sequence[int], clip: str) -> list[int]:
    """Draw an order of frames in which the views have slots of their own, as they have in the clip.

    Raises:
        ValueError: there are fewer slots than views.
    """
    slots = SlotMap(tuple(tuple(p[k] for k in s) for p in extractor.pieces(frames) for s in extractor.slots(len(p))))
    places: dict[int, list[int]] = {}
    for place in range(frames):
        places.setdefault(slots.slots_of([place])[0], []).append(place)
    if len(places) < len(views):
        raise ValueError(
            f"{extractor.name} has {len(places)} slots for {frames} frames: too few to shuffle {len(views)} views"
        )
    dice = Random(clip)
    others = [frame for frame in range(frames) if frame not in views]
    while True:  # ends: only one order is not wanted
        order = [-1] * frames
        for view, slot in zip(views, dice.sample(sorted(places), len(views)), strict=True):
            order[dice.choice(places[slot])] = view
        dice.shuffle(others)
        rest = iter(others)
        order = [next(rest) if frame < 0 else frame for frame in order]
        if order != sorted(order) or frames == len(places) == 1:
            return order
