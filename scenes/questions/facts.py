"""What questions need to know of the objects of a clip, computed once from its truth."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from scenes.clip import Clip

MIN_AREA = 0.003  # an object counts as visible in a frame from this share of its pixels on: 12 of 64 x 64
MAX_STILL = 0.005  # metres, and radians: below, an object does not move
MIN_MOVED = 0.1  # metres: from here on, an object certainly moves


@dataclass(frozen=True)
class Facts:
    """Geometry of each object, in metres, radians and seconds; `start` means the first frame.

    An object's centre is the centre of its box, its top the highest corner of its box; the floor is z = 0. `surface` is
    the mean visible point of the object in the first camera (NaN where it is not seen there), and `column`, `row` its
    mean pixel, as a share of width and height.
    """

    families: tuple[str, ...]
    colours: tuple[str, ...]
    area: Float[np.ndarray, "time object"]  # share of the frame
    seconds: Float[np.ndarray, "time"]
    centre: Float[np.ndarray, "time object 3"]  # world
    camera: Float[np.ndarray, "4 4"]  # world_T_cam of the first frame
    surface: Float[np.ndarray, "object 3"]
    column: Float[np.ndarray, "object"]
    row: Float[np.ndarray, "object"]
    size: Float[np.ndarray, "object 3"]
    height: Float[np.ndarray, "object"]  # vertical extent of the box at the start
    top: Float[np.ndarray, "object"]  # above the floor at the start
    turned: Float[np.ndarray, "step object"]  # rotation from each frame to the next

    @classmethod
    def of(cls, clip: Clip) -> Facts:
        """Read a clip that carries truth, depth, intrinsics and camera poses.

        Raises:
            ValueError: One of them is missing.
        """
        truth = clip.truth
        if truth is None or clip.depth is None or clip.intrinsics is None or clip.world_T_cam is None:
            raise ValueError(
                f"questions need a clip with truth, depth, intrinsics and world_T_cam, got {clip.name or 'a clip'} "
                "without one of them: make it with scenes.worlds"
            )
        count = len(truth.objects)
        height, width = clip.size
        instances = truth.instances.cpu().numpy()
        pixels = pixel_counts(instances, count)
        mean = np.full((5, count), np.nan)
        depth = clip.depth[0].cpu().numpy().astype(np.float64)
        first = np.where(depth > 0, instances[0], 0).ravel()
        focal = clip.intrinsics[0].cpu().numpy().astype(np.float64)
        u, v = np.arange(width) + 0.5, (np.arange(height) + 0.5)[:, None]
        x, y = depth * ((u - focal[0, 2]) / focal[0, 0]), depth * ((v - focal[1, 2]) / focal[1, 1])
        known = np.bincount(first, minlength=count + 1)[1 : count + 1]
        for k, plane in enumerate((x, y, depth, np.broadcast_to(u, depth.shape), np.broadcast_to(v, depth.shape))):
            total = np.bincount(first, weights=plane.ravel(), minlength=count + 1)[1 : count + 1]
            np.divide(total, known, out=mean[k], where=known > 0)
        world_T_obj = truth.world_T_obj.cpu().numpy().astype(np.float64)
        size = np.array([o.size for o in truth.objects], dtype=np.float64).reshape(count, 3)
        rotation, centre = world_T_obj[..., :3, :3], world_T_obj[..., :3, 3]
        extent = np.abs(rotation[0, :, 2, :] * size).sum(-1)  # of the box along z
        step = np.einsum("toij,toij->to", rotation[:-1], rotation[1:])  # trace of the rotation between frames
        return cls(
            families=tuple(o.family for o in truth.objects),
            colours=tuple(o.colour for o in truth.objects),
            area=pixels / (height * width),
            seconds=clip.seconds.cpu().numpy().astype(np.float64),
            centre=centre,
            camera=clip.world_T_cam[0].cpu().numpy().astype(np.float64),
            surface=mean[:3].T,
            column=mean[3] / width,
            row=mean[4] / height,
            size=size,
            height=extent,
            top=centre[0, :, 2] + extent / 2,
            turned=np.arccos(np.clip((step - 1) / 2, -1, 1)),
        )

    @cached_property
    def visible(self) -> Bool[np.ndarray, "object"]:
        """Whether an object is visible in some frame."""
        return np.asarray((self.area >= MIN_AREA).any(0))

    @cached_property
    def visible_at_start(self) -> Bool[np.ndarray, "object"]:
        """Whether an object is visible in the first frame."""
        return np.asarray(self.area[0] >= MIN_AREA)

    @cached_property
    def visible_at_both_ends(self) -> Bool[np.ndarray, "object"]:
        """Whether an object is visible in the first frame and in the last."""
        return np.asarray((self.area[[0, -1]] >= MIN_AREA).all(0))

    @cached_property
    def still(self) -> Bool[np.ndarray, "object"]:
        """Whether an object neither moves nor turns between any two frames."""
        shift = np.linalg.norm(self.centre - self.centre[:1], axis=-1)
        return np.asarray((shift < MAX_STILL).all(0) & (self.turned < MAX_STILL).all(0))

    @cached_property
    def placed(self) -> Bool[np.ndarray, "object"]:
        """Whether the position at the start is known: visible then, or visible later and still."""
        return np.asarray(self.visible_at_start | (self.visible & self.still))


def pixel_counts(instances: UInt8[np.ndarray, "time height width"], objects: int) -> Int[np.ndarray, "time object"]:
    """Count the pixels of each object in each frame."""
    frames = len(instances)
    ids = instances.reshape(frames, -1).astype(np.int64) + np.arange(frames)[:, None] * 256  # instances are bytes
    return np.bincount(ids.ravel(), minlength=frames * 256).reshape(frames, 256)[:, 1 : objects + 1]
