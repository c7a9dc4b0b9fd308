"""Estimated geometry for footage that has none."""

from __future__ import annotations

from dataclasses import replace

from models.providers import GeometryProvider
from scenes.clip import Clip
from scenes.readers.up_axis import turn_z_up


def add_geometry(clip: Clip, provider: GeometryProvider) -> Clip:
    """Give a clip the depth, intrinsics and, where the provider has them, the poses estimated from its frames.

    Estimated poses replace those of the clip; their world is turned so that the mean up direction of the cameras is up.

    Raises:
        ValueError: the clip has metric poses, and the provider gives depth of unknown scale without poses.
    """
    estimate = provider(clip.video, clip.intrinsics, clip.depth)
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
