"""A world is drawn from its seed alone, and nothing in it touches anything else."""

from __future__ import annotations

import math
from itertools import combinations

import pytest
import torch

from scenes.worlds import World, WorldConfig, make_world, render

MOVING = WorldConfig(height=24, width=32, frames=5, motion=True)


@pytest.fixture(scope="module")
def worlds() -> list[World]:
    return [make_world(seed, MOVING) for seed in range(200)]


def test_the_same_seed_gives_the_same_bytes_in_any_batch() -> None:
    config = WorldConfig(height=32, width=40, frames=3, motion=True)
    several = render([make_world(seed, config) for seed in range(5)])
    for seed in (0, 3):
        (alone,) = render([make_world(seed, config)])
        for name in ("video", "seconds", "depth", "intrinsics", "world_T_cam"):
            assert torch.equal(getattr(alone, name), getattr(several[seed], name)), name
        assert alone.truth is not None
        for name, value in vars(alone.truth).items():
            other = getattr(several[seed].truth, name)
            assert torch.equal(value, other) if isinstance(value, torch.Tensor) else value == other, name


def test_no_pixel_is_ever_without_a_finite_depth(worlds: list[World]) -> None:
    for start in range(0, len(worlds), 50):
        for clip in render(worlds[start : start + 50]):
            assert clip.depth is not None
            assert clip.truth is not None
            assert torch.isfinite(clip.depth).all()
            assert (clip.depth > 0.01).all()
            for name in ("normals", "backward_flow", "forward_flow"):
                assert torch.isfinite(getattr(clip.truth, name)).all(), (clip.name, name)


def test_objects_never_interpenetrate_nor_leave_the_room(worlds: list[World]) -> None:
    for world in worlds:
        for u in world.moments:
            at = [(thing.at(u), thing) for thing in world.objects]
            for pose, thing in at:
                assert abs(pose.x) + thing.radius < world.room[0] / 2
                assert abs(pose.y) + thing.radius < world.room[1] / 2
            for (a, one), (b, other) in combinations(at, 2):
                assert math.hypot(a.x - b.x, a.y - b.y) > one.radius + other.radius


def test_a_config_names_the_families_that_exist() -> None:
    with pytest.raises(ValueError, match="families must be some of chair"):
        WorldConfig(families=("chair", "sofa"))
