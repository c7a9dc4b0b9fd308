"""How a lift samples, fits and chooses."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

from models.lifting.flow_matching.sampler import Guidance

Fitting = Literal["none", "pose", "shape"]
ShapeChoice = Literal["auto", "network", "hull"]


@dataclass(frozen=True)
class Sampling:
    """How a lift samples; the defaults are those released.

    `shortcut` needs a model distilled for it. `regression` needs a model trained to predict the latents in one step; it
    starts at zero instead of noise. `best_of` N samples are drawn and the one that most agree on is kept (`consensus`).
    `fit` "pose" aligns and stretches each sample to its visible points and the floor (`pose_fitting`); "shape" fits the
    shape of the kept sample to them as well (`shape_fitting`). Both need a point map.
    `shape` "network" keeps the network's shape, "hull" takes the visible hull (`visible_hull`; the inflated mask
    without a point map), and "auto" the one that `judge` chooses.
    """

    steps: int = 25
    warp: int | float = 3.0
    guidance: Guidance = field(default_factory=Guidance)
    shortcut: bool = False
    regression: bool = False
    fit: Fitting = "none"
    best_of: int = 1
    shape: ShapeChoice = "network"

    def __post_init__(self) -> None:
        if self.fit not in get_args(Fitting):
            raise ValueError(f"fit={self.fit!r} is unknown; choose one of {', '.join(get_args(Fitting))}")
        if self.shape not in get_args(ShapeChoice):
            raise ValueError(f"shape={self.shape!r} is unknown; choose one of {', '.join(get_args(ShapeChoice))}")
        if self.best_of < 1:
            raise ValueError(f"best_of must be 1 or more, got {self.best_of}")
        if self.fit == "shape" and self.regression:
            raise ValueError("a regression has no flow to fit shapes with; set fit to pose or none")
