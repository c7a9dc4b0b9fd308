"""Estimators of a point map for footage without geometry."""

from models.depth.cached import CachedDepth
from models.depth.depth_anything import DepthAnythingV2, relative_to_depth
from models.depth.provider import DepthEstimate, DepthProvider

__all__ = ["CachedDepth", "DepthAnythingV2", "DepthEstimate", "DepthProvider", "relative_to_depth"]
