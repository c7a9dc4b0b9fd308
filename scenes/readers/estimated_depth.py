"""Estimated depth for footage that has none."""

from __future__ import annotations

from dataclasses import replace

from models.depth import DepthProvider
from scenes.clip import Clip


def add_depth(clip: Clip, provider: DepthProvider) -> Clip:
    """Give a clip the z-depth (0 where unknown) and the intrinsics that a provider estimates from its frames."""
    estimate = provider(clip.video, clip.intrinsics)
    return replace(clip, depth=estimate.points.xyz[..., 2], intrinsics=estimate.intrinsics)
