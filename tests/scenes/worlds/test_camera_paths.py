"""Cameras of worlds: level, inside the room, and moving as their kind says."""

from __future__ import annotations

import math

import pytest
import torch

from scenes.worlds.camera_paths import WALL_MARGIN, CameraPose, camera_path, inside
from scenes.worlds.world_random import WorldRandom

ROOM = (6.0, 5.0, 2.8)
MOMENTS = (0.0, 0.25, 0.5, 1.0)


def test_a_pose_is_a_rotation_that_looks_at_its_target_without_roll() -> None:
    pose = torch.tensor(CameraPose((1.0, 2.0, 1.5), (2.0, 4.0, 0.5)).world_T_cam())
    rotation = pose[:3, :3]
    torch.testing.assert_close(rotation @ rotation.T, torch.eye(3))
    assert float(torch.linalg.det(rotation)) == pytest.approx(1)
    torch.testing.assert_close(rotation[:, 2], torch.tensor([1.0, 2, -1]) / math.sqrt(6))
    assert rotation[2, 0] == 0  # right is level
    assert rotation[2, 1] < 0  # down is down
    assert pose[:, 3].tolist() == [1, 2, 1.5, 1]


@pytest.mark.parametrize("kind", ["static", "pan", "orbit", "travel"])
def test_every_camera_keeps_its_distance_from_the_walls(kind: str) -> None:
    for seed in range(40):
        for pose in camera_path(WorldRandom(seed), ROOM, MOMENTS, [kind]):
            assert inside(pose.position, ROOM)


def test_the_kinds_differ_in_what_moves() -> None:
    moves = {}
    for kind in ("static", "pan", "orbit", "travel"):
        first, *_, last = camera_path(WorldRandom(3), ROOM, MOMENTS, [kind])
        moves[kind] = (first.position != last.position, first.target != last.target)
    assert moves == {
        "static": (False, False),
        "pan": (False, True),
        "orbit": (True, False),
        "travel": (True, False),
    }


def test_an_orbit_keeps_its_distance_from_its_target() -> None:
    path = camera_path(WorldRandom(5), ROOM, MOMENTS, ["orbit"])
    assert len({round(math.dist(pose.position, pose.target), 6) for pose in path}) == 1


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("sign", [-1, 1])
def test_each_of_the_six_walls_counts(axis: int, sign: int) -> None:
    walls = {0: (-3.0, 3.0), 1: (-2.5, 2.5), 2: (0.0, 2.8)}[axis]
    wall = walls[0] if sign < 0 else walls[1]
    for beyond, expected in ((-1e-6, True), (1e-6, False)):
        position = [0.0, 0.0, 1.4]
        position[axis] = wall - sign * (WALL_MARGIN - beyond)
        assert inside((position[0], position[1], position[2]), ROOM) is expected
