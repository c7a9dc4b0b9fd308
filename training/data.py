"""The base class of all training data: batches, and a description for the model card."""

from __future__ import annotations

from abc import ABC, abstractmethod

from lightning import LightningDataModule

from scenes.worlds import WorldConfig


class TrainingData(LightningDataModule, ABC):
    """The interface that `region4d train` needs of a data module."""

    @abstractmethod
    def summary(self) -> str:
        """Describe the data for the model card, to complete "Trained on ..."."""


def summarize_worlds(count: int, world: WorldConfig) -> str:
    """Describe procedural worlds for a model card."""
    return f"{count} procedural worlds ({world.frames} frames of {world.height} x {world.width} pixels)"
