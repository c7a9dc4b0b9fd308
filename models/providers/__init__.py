"""Providers of geometry for footage that has none: point maps, cameras, poses."""

from models.providers.contract import GeometryEstimate, GeometryProvider
from models.providers.depth_model import DepthAnythingV2, relative_to_depth
from models.providers.geometry_files import GeometryFiles

__all__ = ["DepthAnythingV2", "GeometryEstimate", "GeometryFiles", "GeometryProvider", "relative_to_depth"]
