"""A world is drawn from its seed alone, and nothing in it touches anything else."""

from __future__ import annotations

import math
from itertools import combinations

import pytest
import torch

from scenes.worlds import World, WorldConfig, make_world, render
from scenes.worlds.layout import draw_seconds
from scenes.worlds.objects.families import NATURAL_SIZES
from scenes.worlds.world_random import WorldRandom


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


@pytest.mark.long
def test_no_pixel_is_ever_without_a_finite_depth(many_worlds: list[World]) -> None:
    for start in range(0, len(many_worlds), 50):
        for clip in render(many_worlds[start : start + 50]):
            assert clip.depth is not None
            assert clip.truth is not None
            assert torch.isfinite(clip.depth).all()
            assert (clip.depth > 0.01).all()
            for name in ("normals", "backward_flow", "forward_flow"):
                assert torch.isfinite(getattr(clip.truth, name)).all(), (clip.name, name)


def test_objects_never_interpenetrate_nor_leave_the_room(many_worlds: list[World]) -> None:
    for world in many_worlds:
        for u in world.moments:
            at = [(obj.at(u), obj) for obj in world.objects]
            for pose, obj in at:
                assert abs(pose.x) + obj.radius < world.room[0] / 2
                assert abs(pose.y) + obj.radius < world.room[1] / 2
            for (a, one), (b, other) in combinations(at, 2):
                apart = math.hypot(a.x - b.x, a.y - b.y) > one.radius + other.radius
                low, high = sorted([one, other], key=lambda obj: obj.bottom)
                assert apart or high.bottom >= low.bottom + low.size[2]


def test_what_stands_on_furniture_stands_on_its_top(many_worlds: list[World]) -> None:
    raised = [(world, obj) for world in many_worlds for obj in world.objects if obj.bottom > 0]
    assert raised
    for world, obj in raised:
        (below,) = (o for o in world.objects if o.start[:2] == obj.start[:2] and o is not obj)
        assert below.family in ("table", "cabinet")
        assert obj.bottom == pytest.approx(below.size[2])
        assert max(obj.size[:2]) < min(below.size[:2])


def test_a_config_names_the_families_that_exist() -> None:
    with pytest.raises(ValueError, match="families must be some of chair"):
        WorldConfig(families=("chair", "sofa"))


def test_worlds_hold_the_families_patterns_and_movers_that_were_asked_for() -> None:
    config = WorldConfig(frames=3, families=("mug", "robot"), patterns=("grain",), motion=True, movers=1.0)
    worlds = [make_world(seed, config) for seed in range(12)]
    objects = [obj for world in worlds for obj in world.objects]
    assert {obj.family for obj in objects} == {"mug", "robot"}
    assert {t.pattern.name for obj in objects for t in obj.textures} <= {"GRAIN", "PLAIN"}  # accents are plain
    assert all(obj.moves for obj in objects if obj.bottom == 0)
    with pytest.raises(ValueError, match="patterns must be some of plain"):
        WorldConfig(patterns=("paisley",))


def test_a_config_from_lists_is_that_from_tuples() -> None:
    assert WorldConfig(intervals=[0.2], families=["mug"]) == WorldConfig(intervals=(0.2,), families=("mug",))


def test_intervals_are_drawn_log_uniformly_from_a_range() -> None:
    config = WorldConfig(frames=2, interval_range=[0.01, 2.0], irregular=0.0)
    drawn = torch.tensor([draw_seconds(WorldRandom(seed), config)[1] for seed in range(500)])
    assert 0.01 <= float(drawn.min()) < 0.02
    assert 1.0 < float(drawn.max()) <= 2.0
    assert 0.1 < float(drawn.median()) < 0.2  # the geometric mean of the ends is .14
    with pytest.raises(ValueError, match=r"interval_range must be \(shortest, longest\)"):
        WorldConfig(interval_range=[2.0, 0.01])


def test_a_gap_in_the_intervals_is_jumped_over() -> None:
    config = WorldConfig(frames=2, interval_range=[0.01, 2.0], interval_gap=[0.1, 0.4], irregular=0.0)
    drawn = torch.tensor([draw_seconds(WorldRandom(seed), config)[1] for seed in range(500)])
    assert not ((drawn > 0.1) & (drawn < 0.4)).any()
    assert 0.01 <= float(drawn.min()) < 0.02
    assert 1.5 < float(drawn.max()) <= 2.0
    below = float((drawn < 0.1).float().mean())  # log-uniform in both parts: ln 10 to ln 5
    assert below == pytest.approx(math.log(10) / math.log(50), abs=0.06)
    for wrong in ([0.4, 0.1], [0.005, 0.1], [0.1, 2.0], [0.1]):
        with pytest.raises(ValueError, match=r"interval_gap must be \(from, to\) in seconds, strictly within"):
            WorldConfig(interval_range=[0.01, 2.0], interval_gap=wrong)
    with pytest.raises(ValueError, match=r"got \(0.1, 0.4\) and None"):
        WorldConfig(interval_gap=[0.1, 0.4])


@pytest.mark.long
def test_natural_sizes_are_those_of_the_kind_give_or_take_a_tenth() -> None:
    config = WorldConfig(motion=True, sizes="natural", rescale=(1.0, 1.0))
    objects = [obj for seed in range(60) for obj in make_world(seed, config).objects]
    assert len({obj.family for obj in objects}) == len(NATURAL_SIZES)
    for obj in objects:
        assert 0.89 < max(obj.size) / NATURAL_SIZES[obj.family] < 1.11, obj.family
    assert any(obj.bottom > 0 for obj in objects)  # on furniture that it fits


def test_sizes_of_another_name_are_refused() -> None:
    with pytest.raises(ValueError, match="sizes must be one of free, natural"):
        WorldConfig(sizes="huge")
