"""What an extractor gives for one clip: features on a grid, and which frames each of their slots has seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class SlotMap:
    """The first and the last frame that each slot along the time axis covers, both included.

    Models compress time: four frames of a causal video autoencoder share a slot, two frames a tubelet.
    """

    covers: tuple[tuple[int, int], ...]

    def __post_init__(self) -> None:
        if wrong := [span for span in self.covers if not 0 <= span[0] <= span[1]]:
            raise ValueError(f"a slot covers frames first..last with 0 <= first <= last, got {wrong[0]}")

    def __len__(self) -> int:
        return len(self.covers)

    def slots_of(self, frames: Sequence[int]) -> list[int]:
        """Find the slot of each frame; of several, the first.

        Raises:
            ValueError: no slot covers a frame.
        """
        found = []
        for frame in frames:
            slot = next((k for k, (first, last) in enumerate(self.covers) if first <= frame <= last), None)
            if slot is None:
                spans = ", ".join(f"{first}-{last}" for first, last in self.covers[:6])
                raise ValueError(f"no slot covers frame {frame}: there are {spans}{', ...' * (len(self) > 6)}")
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
                f"{len(self.values)} slots of features, but a map of {len(self.slots)}: give one span each"
            )
