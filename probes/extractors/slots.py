"""The features of one clip on a grid, and the input frames that each of their temporal slots encodes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class SlotMap:
    """Maps each temporal feature slot to the input frames that it encodes, in order.

    Models compress time: four frames share a slot of a causal video autoencoder, two frames a tubelet. A model that
    splits a long clip into interleaved windows has slots whose frames are not neighbours.
    """

    frames: tuple[tuple[int, ...], ...]

    def __post_init__(self) -> None:
        if wrong := [slot for slot in self.frames if not slot or min(slot) < 0]:
            raise ValueError(f"a slot encodes one frame or more, counted from 0; got {wrong[0]}")

    def __len__(self) -> int:
        return len(self.frames)

    def slots_of(self, frames: Sequence[int]) -> list[int]:
        """Find the slot of each frame; where several encode it, the first.

        Raises:
            ValueError: If no slot encodes a frame.
        """
        indices = []
        for frame in frames:
            index = next((k for k, slot in enumerate(self.frames) if frame in slot), None)
            if index is None:
                known = sorted({frame for slot in self.frames for frame in slot})
                raise ValueError(
                    f"no slot encodes frame {frame}: the features are of {len(known)} frames, {known[0]} to {known[-1]}"
                )
            indices.append(index)
        return indices


@dataclass(frozen=True)
class Features:
    """Frozen features of one clip."""

    values: Float[Tensor, "slot rows cols channel"]
    slots: SlotMap

    def __post_init__(self) -> None:
        if len(self.values) != len(self.slots):
            raise ValueError(
                f"{len(self.values)} slots of features, but a map of {len(self.slots)}: give the frames of each slot"
            )

    def of_frames(self, frames: Sequence[int]) -> Features:
        """Keep only the slots of `frames`, each once."""
        kept = sorted(set(self.slots.slots_of(frames)))
        return Features(self.values[kept], SlotMap(tuple(self.slots.frames[slot] for slot in kept)))
