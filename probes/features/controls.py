"""Extraction of a clip as it is, or under a control that removes what the model could learn from time."""

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
    """Extract the features of the views of a clip, and keep no other slot.

    The control "repeated" runs the model, for each view, on a clip that repeats this frame: the same weights without
    any change over time. "shuffled" runs it on the frames in another order (drawn from the name of the `clip`), in
    which every view still has its own slot. Source: specs/vidfm3d.md section 8, control 4.

    Raises:
        ValueError: If the control is unknown; see also `Extractor.extract`.
    """
    extracted, slots = view_features_many(extractor, video[None], views, layers, noise, control, [clip])
    return {layer: Features(values[0].cpu(), slots) for layer, values in extracted.items()}


def view_features_many(
    extractor: Extractor,
    videos: UInt8[Tensor, "clip time 3 height width"],
    views: Sequence[int],
    layers: Sequence[int],
    noise: Noise | None,
    control: str | None,
    names: Sequence[str],
) -> tuple[dict[int, Float[Tensor, "clip slot rows cols channel"]], SlotMap]:
    """Extract the features of the same views of several clips, on the device of the model; see `view_features`.

    Raises:
        ValueError: If the control is unknown; see also `Extractor.extract`.
    """
    if control is None:
        features, slots = extractor.extract_many(videos, layers, noise, names)
        kept = sorted(set(slots.slots_of(views)))
        kept_map = SlotMap(tuple(slots.frames[slot] for slot in kept))
        return {layer: values[:, kept] for layer, values in features.items()}, kept_map
    if control not in CONTROLS:
        raise ValueError(f"unknown control {control!r}: choose {' or '.join(CONTROLS)}, or none")
    extract = repeated_features if control == "repeated" else shuffled_features
    used = extractor.used_frames(videos)
    return extract(extractor, used, views, layers, noise, names), SlotMap(tuple((view,) for view in views))


def repeated_features(
    extractor: Extractor,
    videos: UInt8[Tensor, "clip time 3 height width"],
    views: Sequence[int],
    layers: Sequence[int],
    noise: Noise | None,
    names: Sequence[str],
) -> dict[int, Float[Tensor, "clip view rows cols channel"]]:
    """Extract each view from a clip that repeats this frame."""
    per_view: list[dict[int, Tensor]] = []
    for view in views:
        still = videos[:, view : view + 1].expand(-1, videos.shape[1], -1, -1, -1)
        features, slots = extractor.extract_many(still, layers, noise, names)
        per_view.append({layer: values[:, slots.slots_of([view])] for layer, values in features.items()})
    return {layer: torch.cat([features[layer] for features in per_view], 1) for layer in layers}


def shuffled_features(
    extractor: Extractor,
    videos: UInt8[Tensor, "clip time 3 height width"],
    views: Sequence[int],
    layers: Sequence[int],
    noise: Noise | None,
    names: Sequence[str],
) -> dict[int, Float[Tensor, "clip view rows cols channel"]]:
    """Extract the views from clips whose frames are shuffled."""
    orders = [shuffled_order(extractor, videos.shape[1], views, name) for name in names]
    shuffled = torch.stack([video[order] for video, order in zip(videos, orders, strict=True)])
    features, slots = extractor.extract_many(shuffled, layers, noise, names)
    slot_indices = torch.tensor([slots.slots_of([order.index(view) for view in views]) for order in orders])
    rows = torch.arange(len(names))[:, None]
    return {layer: values[rows, slot_indices] for layer, values in features.items()}


def shuffled_order(extractor: Extractor, frames: int, views: Sequence[int], clip: str) -> list[int]:
    """Draw an order of frames in which every view has its own slot, as in the clip itself.

    Raises:
        ValueError: If there are fewer slots than views.
    """
    slots = extractor.slot_map(frames)
    positions: dict[int, list[int]] = {}  # of each slot, in the clip
    for position in range(frames):
        positions.setdefault(slots.slots_of([position])[0], []).append(position)
    if len(positions) < len(views):
        raise ValueError(
            f"{extractor.name} has {len(positions)} slots for {frames} frames: too few to shuffle {len(views)} views"
        )
    rng = Random(clip)
    others = [frame for frame in range(frames) if frame not in views]
    while True:  # terminates: only the original order is rejected
        order = [-1] * frames
        for view, slot in zip(views, rng.sample(sorted(positions), len(views)), strict=True):
            order[rng.choice(positions[slot])] = view
        rng.shuffle(others)
        rest = iter(others)
        order = [next(rest) if frame < 0 else frame for frame in order]
        if order != sorted(order) or frames == len(positions) == 1:
            return order
