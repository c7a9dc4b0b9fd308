"""Cameras, rigid transforms, point maps, canonical normalisers, alignment: pure functions on tensors."""

from models.geometry.alignment import align_scale, align_scale_shift, align_similarity
from models.geometry.calibration import fit_intrinsics
from models.geometry.cameras import (
    crop_intrinsics,
    default_intrinsics,
    pixel_centres,
    project,
    resize_intrinsics,
)
from models.geometry.conversions import (
    cam_to_z_up,
    facing_T_world,
    intrinsics_from_ndc,
    opencv_from_pytorch3d,
    swap_opengl,
    swap_pytorch3d,
    z_up_T_tilted,
)
from models.geometry.mesh import Mesh
from models.geometry.normalizers import Extent, Normalizer, ObjectNormalizer, SceneNormalizer, clip_canonical
from models.geometry.point_map import Frame, PointMap, transform, unproject, valid_depth
from models.geometry.rigid import invert, matrix, transform_points
from models.geometry.token_grid import pool_points
from models.geometry.voxels import voxel_centres

__all__ = [
    "Extent",
    "Frame",
    "Mesh",
    "Normalizer",
    "ObjectNormalizer",
    "PointMap",
    "SceneNormalizer",
    "align_scale",
    "align_scale_shift",
    "align_similarity",
    "cam_to_z_up",
    "clip_canonical",
    "crop_intrinsics",
    "default_intrinsics",
    "facing_T_world",
    "fit_intrinsics",
    "intrinsics_from_ndc",
    "invert",
    "matrix",
    "opencv_from_pytorch3d",
    "pixel_centres",
    "pool_points",
    "project",
    "resize_intrinsics",
    "swap_opengl",
    "swap_pytorch3d",
    "transform",
    "transform_points",
    "unproject",
    "valid_depth",
    "voxel_centres",
    "z_up_T_tilted",
]
