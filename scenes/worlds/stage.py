"""The objects placed in a room so far, and tests for free positions that the camera sees."""

from __future__ import annotations

import math
from collections.abc import Sequence

from scenes.worlds.camera_paths import CameraPose
from scenes.worlds.motion import FloorPose
from scenes.worlds.objects.primitives import Vector
from scenes.worlds.world import WorldObject

OBJECT_GAP = 0.03  # metres kept free between objects, and to walls
CAMERA_GAP = 0.2  # metres kept free around the camera
MIN_APPARENT_SIZE = 0.12  # size over distance; smaller objects would be specks (25 pixels at 64 x 64)
MAX_APPARENT_SIZE = 0.75  # size over distance; larger objects would fill the picture
CENTRAL_SHARE = 0.85  # central share of the picture that must contain the middle of an object


def axes_of(world_T_cam: list[list[float]]) -> tuple[Vector, Vector, Vector]:
    """Read off the axes of a camera in the world: right, down, ahead."""
    (a, b, c, _), (d, e, f, _), (g, h, i, _), _ = world_T_cam
    return ((a, d, g), (b, e, h), (c, f, i))


class Stage:
    """A room with a camera path and the objects placed so far, each with its track: where it is at every moment.

    An object counts as the upright cylinder around it, so that it can turn without touching another.
    """

    def __init__(
        self, room: Vector, cameras: Sequence[CameraPose], hfov_deg: float, aspect: float, moments: Sequence[float]
    ) -> None:
        self.room, self.moments = room, moments
        self.objects: list[WorldObject] = []
        self._tracks: list[list[FloorPose]] = []
        self._eyes = [camera.position for camera in cameras]
        middle = cameras[len(cameras) // 2]
        self.away = math.dist(middle.position, middle.target)  # metres from the camera to what it looks at
        self._eye, self._axes = middle.position, axes_of(middle.world_T_cam())
        half = CENTRAL_SHARE * math.tan(math.radians(hfov_deg) / 2)
        self._half = (half, half * aspect)

    def sees(self, x: float, y: float, z: float, size: float) -> bool:
        """Tell whether an object of this size (metres) is well inside the middle frame, neither tiny nor huge."""
        dx, dy, dz = x - self._eye[0], y - self._eye[1], z - self._eye[2]
        right, down, ahead = (a * dx + b * dy + c * dz for a, b, c in self._axes)
        if not MIN_APPARENT_SIZE * ahead < size < MAX_APPARENT_SIZE * ahead:
            return False
        return abs(right) < self._half[0] * ahead and abs(down) < self._half[1] * ahead

    def has_room_for(self, obj: WorldObject, track: Sequence[FloorPose]) -> bool:
        """Tell whether an object keeps clear of walls, camera and other objects along a track, or the start of one."""
        bottom, top, radius = obj.bottom, obj.bottom + obj.size[2], obj.radius
        half_x, half_y = self.room[0] / 2 - radius - OBJECT_GAP, self.room[1] / 2 - radius - OBJECT_GAP
        if any(abs(pose.x) > half_x or abs(pose.y) > half_y for pose in track):
            return False
        low_eyes = [eye for eye in self._eyes if bottom - CAMERA_GAP < eye[2] < top + CAMERA_GAP]
        if any(math.hypot(p.x - e[0], p.y - e[1]) < radius + CAMERA_GAP for e in low_eyes for p in track):
            return False
        for other, path in zip(self.objects, self._tracks, strict=True):
            if other.bottom + other.size[2] <= bottom:  # on top of it, or above
                continue
            apart = radius + other.radius + OBJECT_GAP
            if any(math.hypot(a.x - b.x, a.y - b.y) < apart for a, b in zip(track, path, strict=False)):
                return False
        return True

    def try_to_add(self, obj: WorldObject) -> bool:
        """Add an object if its whole track is free; the start is tested first, because most tracks fail there."""
        if not self.has_room_for(obj, [obj.start]):
            return False
        track = self.track(obj)
        if not self.has_room_for(obj, track):
            return False
        self.add(obj, track)
        return True

    def track(self, obj: WorldObject) -> list[FloorPose]:
        """Evaluate where an object is at every moment."""
        return [obj.at(u) for u in self.moments] if obj.moves else [obj.start] * len(self.moments)

    def add(self, obj: WorldObject, track: list[FloorPose]) -> None:
        """Add an object that goes along a track, without a test."""
        self.objects.append(obj)
        self._tracks.append(track)
