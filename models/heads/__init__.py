"""Read-outs of frozen or trained features: dense maps and camera rays."""

from models.heads.dense import DenseHead

__all__ = ["DenseHead"]
