"""Regions of images and videos: marking, propagation, tiling, pooling."""

from models.regions.area import area_weights
from models.regions.box2d import Box, tight_box
from models.regions.box3d import box_masks
from models.regions.follow import follow
from models.regions.packing import pack_regions
from models.regions.pooling import RegionMasks, pool_regions
from models.regions.region import OutOfView, Region
from models.regions.tiling import TilePlan, plan_tiles, stitch, thumbnail, tile_image, tile_mask, tile_points

__all__ = [
    "Box",
    "OutOfView",
    "Region",
    "RegionMasks",
    "TilePlan",
    "area_weights",
    "box_masks",
    "follow",
    "pack_regions",
    "plan_tiles",
    "pool_regions",
    "stitch",
    "thumbnail",
    "tight_box",
    "tile_image",
    "tile_mask",
    "tile_points",
]
