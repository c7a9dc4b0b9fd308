"""What a clip is turned into before a model sees it: nothing, or a control that takes time away."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from probes.extractors.extractor import Extractor
from probes.extractors.noise import Noise
from probes.extractors.slots import Features, SlotMap

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
    found, seen = view_features_many(extractor, video[None], views, layers, noise, control, [clip])
    return {layer: Features(values[0].cpu(), seen) for layer, values in found.items()}


def view_features_many(
    extractor: Extractor,
    videos: UInt8[Tensor, "clip time 3 height width"],
    views: Sequence[int],
    layers: Sequence[int],
    noise: Noise | None,
    control: str | None,
    names: Sequence[str],
) -> tuple[dict[int, Float[Tensor, "clip slot rows cols channel"]], SlotMap]:
    """Extract the features of the same frames of several clips, left on the device of the model; see `view_features`.

    Raises:
        ValueError: so does `view_features`.
    """
    if control is None:
        found, slots = extractor.extract_many(videos, layers, noise, names)
        kept = sorted(set(slots.slots_of(views)))
        return {k: one[:, kept] for k, one in found.items()}, SlotMap(tuple(slots.frames[slot] for slot in kept))
    taken, own = extractor.take(videos), SlotMap(tuple((view,) for view in views))
    if control == "repeated":
        alone: list[dict[int, Tensor]] = []
        for view in views:
            still = taken[:, view : view + 1].expand(-1, taken.shape[1], -1, -1, -1)
            found, slots = extractor.extract_many(still, layers, noise, names)
            alone.append({layer: one[:, slots.slots_of([view])] for layer, one in found.items()})
        return {layer: torch.cat([one[layer] for one in alone], 1) for layer in layers}, own
    if control == "shuffled":
        orders = [shuffled_order(extractor, taken.shape[1], views, name) for name in names]
        shuffled = torch.stack([video[order] for video, order in zip(taken, orders, strict=True)])
        found, slots = extractor.extract_many(shuffled, layers, noise, names)
        places = torch.tensor([slots.slots_of([order.index(view) for view in views]) for order in orders])
        rows = torch.arange(len(names))[:, None]
        return {layer: one[rows, places] for layer, one in found.items()}, own
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
