"""Estimated geometry for footage that has none."""

from __future__ import annotations

from dataclasses import replace

from models.providers import GeometryEstimate, GeometryProvider
from scenes.clip import Clip
from scenes.readers.up_axis import turn_z_up


def add_geometry(clip: Clip, provider: GeometryProvider) -> Clip:
    """Give a clip the geometry that a provider estimates from its frames; see `with_estimate`."""
    return with_estimate(clip, provider(clip.video, clip.intrinsics, clip.depth))


def with_estimate(clip: Clip, estimate: GeometryEstimate) -> Clip:
    """Give a clip an estimate of its depth, intrinsics and, where it has them, poses.

    Estimated poses replace those of the clip; their world is turned so that the mean up direction of the cameras is up.

    Raises:
        ValueError: the clip has metric poses, and the estimate is depth of unknown scale without poses.
    """
    world_T_cam = clip.world_T_cam
    if estimate.world_T_cam is not None:
        world_T_cam = turn_z_up(estimate.world_T_cam, "camera")
    elif world_T_cam is not None and clip.metric and not estimate.metric:
        raise ValueError(
            "the footage has camera poses in metres, but the depth model gives depth of unknown scale: use a metric "
            "depth model, or --no-depth"
        )
    return replace(
        clip,
        depth=estimate.points.xyz[..., 2],
        intrinsics=estimate.intrinsics,
        world_T_cam=world_T_cam,
        metric=estimate.metric,
        confidence=estimate.confidence,
    )
