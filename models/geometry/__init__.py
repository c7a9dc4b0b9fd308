"""Cameras, rigid transforms, point maps, canonical normalisers, alignment: pure functions on tensors."""

from models.geometry.cameras import (
    crop_intrinsics,
    default_intrinsics,
    pixel_centres,
    project,
    resize_intrinsics,
)
from models.geometry.point_map import Frame, PointMap, transform, unproject, valid_depth
from models.geometry.rigid import invert, matrix, transform_points

__all__ = [
    "Frame",
    "PointMap",
    "crop_intrinsics",
    "default_intrinsics",
    "invert",
    "matrix",
    "pixel_centres",
    "project",
    "resize_intrinsics",
    "transform",
    "transform_points",
    "unproject",
    "valid_depth",
]
