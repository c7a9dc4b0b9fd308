"""Regions of images and videos: pointing at them, tiling, stitching, pooling."""

from models.regions.region import Region

__all__ = ["Region"]
