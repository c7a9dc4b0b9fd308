"""What an extractor gives for one clip: features on a grid, and which frames each of their slots has seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class SlotMap:
    """The frames that each slot along the time axis has seen, in order.

    Models compress time: four frames of a causal video autoencoder share a slot, two frames a tubelet. A model that
    takes a long clip in interleaved pieces has slots whose frames are not neighbours.
    """

    frames: tuple[tuple[int, ...], ...]

    def __post_init__(self) -> None:
        if wrong := [seen for seen in self.frames if not seen or min(seen) < 0]:
            raise ValueError(f"a slot has seen one frame or more, counted from 0; got {wrong[0]}")

    def __len__(self) -> int:
        return len(self.frames)

    def slots_of(self, frames: Sequence[int]) -> list[int]:
        """Find the slot of each frame; of several, the first.

        Raises:
            ValueError: no slot has seen a frame.
        """
        found = []
        for frame in frames:
            slot = next((k for k, seen in enumerate(self.frames) if frame in seen), None)
            if slot is None:
                there = sorted({frame for seen in self.frames for frame in seen})
                raise ValueError(f"no slot has seen frame {frame}: the {len(there)} seen are {there[0]} to {there[-1]}")
            found.append(slot)
        return found


@dataclass(frozen=True)
class Features:
    """Frozen features of one clip."""

    values: Float[Tensor, "slot rows cols channel"]
    slots: SlotMap

    def __post_init__(self) -> None:
        if len(self.values) != len(self.slots):
            raise ValueError(
                f"{len(self.values)} slots of features, but a map of {len(self.slots)}: give the frames of each"
            )

    def of_frames(self, frames: Sequence[int]) -> Features:
        """Keep only the slots that a reader may ask for: those of `frames`, each once."""
        kept = sorted(set(self.slots.slots_of(frames)))
        return Features(self.values[kept], SlotMap(tuple(self.slots.frames[slot] for slot in kept)))
