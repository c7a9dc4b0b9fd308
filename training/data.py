"""The base class of all training data: batches, and a description for the model card."""

from __future__ import annotations

from abc import ABC, abstractmethod

from lightning import LightningDataModule

from scenes.worlds import WorldConfig


class TrainingData(LightningDataModule, ABC):
    """What `region4d train` needs of data."""

    @abstractmethod
    def summary(self) -> str:
        """Name what a model was trained on, for its card: the object of "Trained on ..."."""


def summarize_worlds(count: int, world: WorldConfig) -> str:
    """Name procedural worlds, for a model card."""
    return f"{count} procedural worlds ({world.frames} frames of {world.height} x {world.width} pixels)"
