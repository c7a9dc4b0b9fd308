"""Clips of procedural worlds with other times, another scale, or another order of frames."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from jaxtyping import Float
from torch import Tensor

from scenes.clip import Clip, Truth


def with_times(clip: Clip, factor: float) -> Clip:
    """Multiply all timestamps; what is seen stays."""
    return replace(clip, seconds=factor * clip.seconds)


def with_scale(clip: Clip, factor: float) -> Clip:
    """Multiply all lengths: depth, camera positions, and the truth; pictures stay, because they show no scale."""
    truth, depth, poses = clip.truth, clip.depth, clip.world_T_cam
    return replace(
        clip,
        depth=None if depth is None else factor * depth,
        world_T_cam=None if poses is None else _moved_apart(poses, factor),
        truth=None if truth is None else _scaled_truth(truth, factor),
    )


def with_shuffled_frames(clip: Clip, rng: Random) -> Clip | None:
    """Show the frames in another order, with another first and another last one, at the same times; None of one frame.

    Depth, poses and truth go with their frames.
    """
    count = len(clip)
    if count < 2:
        return None
    order = list(range(count))
    while order[0] == 0 or order[-1] == count - 1:
        rng.shuffle(order)
    return replace(clip.frames(order), seconds=clip.seconds)


def _moved_apart(poses: Float[Tensor, "*batch 4 4"], factor: float) -> Float[Tensor, "*batch 4 4"]:
    scaled = poses.clone()
    scaled[..., :3, 3] *= factor
    return scaled


def _scaled_truth(truth: Truth, factor: float) -> Truth:
    objects = []
    for each in truth.objects:
        width, depth, height = each.size
        size = (factor * width, factor * depth, factor * height)
        objects.append(replace(each, size=size, path_length=factor * each.path_length))
    speed = None if truth.speed is None else factor * truth.speed
    return replace(truth, objects=tuple(objects), world_T_obj=_moved_apart(truth.world_T_obj, factor), speed=speed)
