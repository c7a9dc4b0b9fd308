"""Providers of geometry for footage that has none: point maps, cameras, poses."""

from models.providers.colmap import Colmap
from models.providers.contract import GeometryEstimate, GeometryProvider
from models.providers.depth_model import DepthModel, relative_to_depth
from models.providers.geometry_files import GeometryFiles
from models.providers.multi_view.map_anything import MapAnythingModel
from models.providers.multi_view.vggt import VGGT
from models.providers.names import open_provider

__all__ = [
    "VGGT",
    "Colmap",
    "DepthModel",
    "GeometryEstimate",
    "GeometryFiles",
    "GeometryProvider",
    "MapAnythingModel",
    "open_provider",
    "relative_to_depth",
]
