"""Canonical geometry of a clip: points on the token grid of every tile, and camera centres, in one normalised frame."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from einops import rearrange
from jaxtyping import Bool, Float
from torch import Tensor

from models.geometry import (
    PointMap,
    SceneNormalizer,
    cam_to_z_up,
    clip_canonical,
    facing_T_world,
    pool_points,
    transform,
)
from models.regions import TilePlan


@dataclass(frozen=True)
class CanonicalScene:
    """Canonical points of all tiles, and where the cameras are. `normalizer` is None for a clip without points."""

    points: Float[Tensor, "tile fine_rows fine_cols 3"]
    points_valid: Bool[Tensor, "tile fine_rows fine_cols"]
    camera_centres: Float[Tensor, "frame 3"]
    camera_known: Bool[Tensor, "frame"]
    normalizer: SceneNormalizer | None


def canonical_scene(
    points: PointMap | None,
    world_T_cam: Float[Tensor, "time 4 4"] | None,
    plan: TilePlan,
    size: tuple[int, int, int],
    cells: int,
    metric: bool,
) -> CanonicalScene:
    """Normalise the scene, clip it, and pool it to `cells` x `cells` for every tile (and for the thumbnail).

    Args:
        points: metres, in the frame `world`, or `cam` for one image.
        world_T_cam: camera poses, for points in the frame `world`.
        plan: how a frame is cut into tiles.
        size: time, height and width of the video.
        cells: rows, and columns, of points per tile.
        metric: keep metres instead of scaling the scene.

    Raises:
        ValueError: points of another size than the video, or points of several frames in camera frames.
    """
    time = size[0]
    centres, known = torch.zeros(time, 3), torch.zeros(time, dtype=torch.bool)
    if points is None:
        tiles = time * len(plan) + (len(plan) > 1)
        nothing = torch.zeros(tiles, cells, cells, 3), torch.zeros(tiles, cells, cells, dtype=torch.bool)
        return CanonicalScene(*nothing, centres, known, None)
    if points.valid.shape != size:
        raise ValueError(f"points cover {tuple(points.valid.shape)}, the video {size} (time, height, width)")
    in_camera = points.frame == "cam"
    if in_camera:
        if time > 1:
            raise ValueError("points of several frames are in their camera frames: give poses, or one image")
        points = cam_to_z_up(points)
    normalizer = SceneNormalizer.fit(points, mode="metric" if metric else "scene")
    if in_camera or world_T_cam is not None:
        world = centres if world_T_cam is None else world_T_cam[:, :3, 3].float()
        centres, known = (world - normalizer.shift) / normalizer.scale, ~known
    xyz, valid = _tiles_of(clip_canonical(normalizer.apply(points)), plan, cells)
    return CanonicalScene(xyz, valid, centres, known, normalizer)


def face_first_camera(
    points: PointMap | None, world_T_cam: Float[Tensor, "time 4 4"] | None
) -> tuple[PointMap | None, Float[Tensor, "time 4 4"] | None]:
    """Turn a world about its vertical so that the first camera looks along +y, as in a single image."""
    if points is None or points.frame != "world" or world_T_cam is None:
        return points, world_T_cam
    turn = facing_T_world(world_T_cam[0])
    return transform(points, turn, "world"), turn @ world_T_cam


def _tiles_of(canonical: PointMap, plan: TilePlan, cells: int) -> tuple[Tensor, Tensor]:
    """Pool points to the cells of every tile, and of the thumbnail where there are several tiles."""
    whole = pool_points(canonical, plan.rows * cells, plan.cols * cells)
    cut = {"a": plan.rows, "b": plan.cols}
    xyz = rearrange(whole.xyz, "t (a r) (b c) d -> (t a b) r c d", **cut)
    valid = rearrange(whole.valid, "t (a r) (b c) -> (t a b) r c", **cut)
    if len(plan) > 1:
        overview = pool_points(canonical, cells, cells)
        xyz, valid = torch.cat([xyz, overview.xyz]), torch.cat([valid, overview.valid])
    return xyz, valid
