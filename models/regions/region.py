"""One thing pointed at, in one frame or many."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from jaxtyping import Bool
from torch import Tensor


@dataclass(frozen=True)
class Region:
    """A region of a clip: frame index -> boolean mask at the resolution of the frames. Frames may be missing."""

    masks: Mapping[int, Bool[Tensor, "height width"]]
    name: str = ""

    def __post_init__(self) -> None:
        if not any(bool(mask.any()) for mask in self.masks.values()):
            raise ValueError(f"region {self.name or '(unnamed)'} is empty: no pixel is marked in any frame")
