"""What a clip says of its world is exact: surfaces, flow, occlusion, motion."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from models.geometry import invert, pixel_centres, project, transform_points
from scenes.clip import Clip, Truth
from scenes.worlds import World, WorldConfig, make_world, render
from scenes.worlds.objects.solid import occupancy, signed_distance
from scenes.worlds.rendering.cast import cast
from scenes.worlds.rendering.packing import pack
from scenes.worlds.rendering.shading import surface_colour

CONFIG = WorldConfig(height=96, width=96, frames=3, motion=True, noise=0.0)
SEEDS = range(40, 47)


@pytest.fixture(scope="module")
def worlds() -> list[World]:
    return [make_world(seed, CONFIG) for seed in SEEDS]


@pytest.fixture(scope="module")
def clips(worlds: list[World]) -> list[Clip]:
    return render(worlds)


def truth_of(clip: Clip) -> Truth:
    assert clip.truth is not None
    return clip.truth


def points_of(clip: Clip) -> Tensor:
    points = clip.points()
    assert points is not None
    return points.xyz


def test_unprojected_points_lie_on_the_analytic_surfaces(worlds: list[World], clips: list[Clip]) -> None:
    for world, clip in zip(worlds, clips, strict=True):
        truth, xyz = truth_of(clip), points_of(clip)
        for k, obj in enumerate(world.objects):
            for t in range(len(clip)):
                points = transform_points(xyz[t][truth.instances[t] == k + 1], invert(truth.world_T_obj[t, k]))
                assert (signed_distance(obj, points).abs() < 1e-4).all(), (clip.name, obj.family)
        walls = xyz[truth.instances == 0]
        half = torch.tensor([world.room[0] / 2, world.room[1] / 2])
        gaps = torch.cat(
            [(walls[:, :2].abs() - half).abs(), walls[:, 2:].abs(), (walls[:, 2:] - world.room[2]).abs()], -1
        )
        assert (gaps.amin(-1) < 1e-4).all()


def test_normals_point_out_of_the_solids(worlds: list[World], clips: list[Clip]) -> None:
    step = 2e-4
    for world, clip in zip(worlds, clips, strict=True):
        truth, xyz = truth_of(clip), points_of(clip)
        assert truth.normals is not None
        normals = truth.normals.movedim(1, -1)
        torch.testing.assert_close(normals.norm(dim=-1), torch.ones(normals.shape[:-1]), atol=1e-5, rtol=0)
        for k, obj in enumerate(world.objects):
            seen = truth.instances[0] == k + 1
            obj_T_world = invert(truth.world_T_obj[0, k])
            under = transform_points((xyz - step * normals)[0][seen], obj_T_world)
            above = transform_points((xyz + step * normals)[0][seen], obj_T_world)
            assert occupancy(obj, under).float().mean() > 0.99 if len(under) else True  # plates may be thinner
            assert not len(above) or occupancy(obj, above).float().mean() < 0.01  # where two primitives meet


@pytest.mark.parametrize(("name", "later"), [("backward", -1), ("forward", 1)])
def test_flow_equals_the_one_from_depth_camera_and_object_poses(clips: list[Clip], name: str, later: int) -> None:
    for clip in clips:
        truth, xyz = truth_of(clip), points_of(clip)
        assert clip.intrinsics is not None
        assert clip.world_T_cam is not None
        valid, flow = getattr(truth, f"{name}_valid"), getattr(truth, f"{name}_flow").movedim(1, -1)
        for t in range(max(0, -later), len(clip) - max(0, later)):
            other_T_now = truth.world_T_obj[t + later] @ invert(truth.world_T_obj[t])
            other_T_now = torch.cat([torch.eye(4)[None], other_T_now])[truth.instances[t].long()]
            moved = transform_points(xyz[t], other_T_now)
            there = project(transform_points(moved, invert(clip.world_T_cam[t + later])), clip.intrinsics[t + later])
            here = pixel_centres(96, 96, there)
            # float32 rounding of points some metres away, seen with a focal length of about 100 pixels
            torch.testing.assert_close(flow[t][valid[t]], (there - here)[valid[t]], atol=2e-3, rtol=1e-4)


def warped(before: Tensor, clip: Clip) -> Tensor:
    """Sample the frame before bilinearly where the backward flow of frame 1 points."""
    flow = truth_of(clip).backward_flow
    assert flow is not None
    height, width = clip.size
    grid = pixel_centres(height, width, flow) + flow[1].movedim(0, -1)
    grid = 2 * grid / torch.tensor([width, height]) - 1
    return torch.nn.functional.grid_sample(before[None], grid[None], align_corners=False)[0]


def test_warping_the_frame_before_by_the_backward_flow_gives_the_frame() -> None:
    config = WorldConfig(height=192, width=192, frames=2, noise=0.0)
    for clip in render([make_world(seed, config) for seed in range(4)]):
        valid = truth_of(clip).backward_valid
        assert valid is not None
        error = (warped(clip.video[0].float(), clip) - clip.video[1].float()).abs().amax(0)[valid[1]]
        assert error.median() < 1  # of 255: bilinear blur and rounding
        assert error.quantile(0.9) < 6  # edges of textures


def test_texture_moves_with_moving_objects() -> None:
    """As above for surface colour alone, because light and shadow on a moving object do change."""
    config = WorldConfig(height=192, width=192, frames=2, motion=True, families=("car", "tower", "mug"), noise=0.0)
    worlds = [make_world(seed, config) for seed in range(3)]
    scene = pack(worlds, "cpu")
    colour = surface_colour(scene, cast(scene), torch.arange(scene.views) // 2).view(3, 3, 2, 192, 192)
    for w, clip in enumerate(render(worlds)):
        truth = truth_of(clip)
        assert truth.backward_valid is not None
        assert truth.moving is not None
        error = (warped(colour[:, w, 0], clip) - colour[:, w, 1]).abs().amax(0)
        error = error[truth.backward_valid[1] & truth.moving[1]]
        if len(error):
            assert error.median() < 0.01  # of 1; edges of stripes and checkers are off by more


def test_a_point_is_valid_in_flow_exactly_when_the_other_frame_sees_it(clips: list[Clip]) -> None:
    """The depth map of the other frame, read at the nearest pixel, is an independent if coarse witness."""
    for clip in clips:
        truth, xyz = truth_of(clip), points_of(clip)
        assert clip.depth is not None
        assert clip.world_T_cam is not None
        assert truth.backward_flow is not None
        assert truth.backward_valid is not None
        for t in range(1, len(clip)):
            other_T_now = truth.world_T_obj[t - 1] @ invert(truth.world_T_obj[t])
            moved = transform_points(xyz[t], torch.cat([torch.eye(4)[None], other_T_now])[truth.instances[t].long()])
            z = transform_points(moved, invert(clip.world_T_cam[t - 1]))[..., 2]
            u, v = (pixel_centres(96, 96, z) + truth.backward_flow[t].movedim(0, -1)).unbind(-1)
            inside = (u > 0) & (u < 96) & (v > 0) & (v < 96) & (z > 0)
            at = v.long().clamp(0, 95), u.long().clamp(0, 95)
            around = torch.stack([x := clip.depth[None, t - 1], -x])
            farthest, nearest = (
                torch.nn.functional.max_pool2d(around, 3, 1, 1)[:, 0] * torch.tensor([1, -1])[:, None, None]
            )
            behind, front = inside & (z > 1.05 * farthest[at]), inside & (z < 0.999 * nearest[at])
            assert not truth.backward_valid[t][~inside].any()
            assert not truth.backward_valid[t][behind].any()
            assert truth.backward_valid[t][front].all()


def test_resting_objects_under_a_moving_camera_do_not_count_as_moving() -> None:
    config = WorldConfig(frames=3, motion=False, cameras=("orbit", "travel"))
    for clip in render([make_world(seed, config) for seed in range(3)]):
        truth = truth_of(clip)
        assert truth.moving is not None
        assert truth.backward_flow is not None
        assert not truth.moving.any()
        assert truth.backward_flow[1:].abs().amax() > 0.5


def test_a_static_world_under_a_static_camera_has_no_flow() -> None:
    for clip in render([make_world(seed, WorldConfig(frames=3, cameras=("static",))) for seed in range(3)]):
        truth = truth_of(clip)
        assert truth.backward_flow is not None
        assert truth.backward_valid is not None
        assert truth.backward_flow.abs().amax() < 1e-3  # pixels, rounding
        assert truth.backward_valid[1:].float().mean() > 0.999  # all but grazing rays at silhouettes


@pytest.mark.long
def test_displacement_does_not_tell_the_frame_interval(many_worlds: list[World]) -> None:
    pairs = [
        (math.log(obj.motion.length), math.log(world.seconds[-1]))
        for world in many_worlds
        for obj in world.objects
        if obj.motion.length
    ]
    x, y = torch.tensor(pairs).T
    correlation = torch.corrcoef(torch.stack([x, y]))[0, 1]
    assert correlation.abs() < 3 / math.sqrt(len(pairs))  # three standard errors of an uncorrelated sample


def test_speed_is_path_length_over_time_on_average() -> None:
    config = WorldConfig(frames=40, motion=True, height=8, width=8, motions=("straight", "accelerated", "circular"))
    for seed in range(5):
        world = make_world(seed, config)
        seconds = torch.tensor(world.seconds)
        for obj in world.objects:
            speeds = torch.tensor([obj.speed(world.seconds, u) for u in world.moments])
            assert torch.trapezoid(speeds, seconds).item() == pytest.approx(obj.motion.length, rel=1e-3, abs=1e-6)


@pytest.mark.gpu
def test_the_gpu_renders_what_the_cpu_renders(worlds: list[World], clips: list[Clip]) -> None:
    """Rounding may flip a pixel at a silhouette, hence shares instead of all pixels."""
    for here, there in zip(clips, render(worlds, "cuda"), strict=True):
        assert here.depth is not None
        assert there.depth is not None
        a, b = truth_of(here), truth_of(there)
        assert (a.instances == b.instances).float().mean() > 0.999
        assert ((here.depth - there.depth).abs() < 1e-4).float().mean() > 0.999
        assert ((here.video.float() - there.video.float()).abs() <= 1).float().mean() > 0.995
        assert a.backward_flow is not None
        assert b.backward_flow is not None
        assert ((a.backward_flow - b.backward_flow).abs() < 1e-2).float().mean() > 0.998
