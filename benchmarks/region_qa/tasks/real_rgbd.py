"""Region questions about a real room, answered from its depth sensor; see benchmarks/region_qa/real_rgbd/items.py."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from benchmarks.region_qa.real_rgbd.items import noise_video, real_rgbd_items
from benchmarks.region_qa.tasks.media import Media
from benchmarks.region_qa.tasks.task import Item, Task
from models.geometry import invert
from models.providers import open_provider
from scenes.clip import Clip

STILL = "still"


@dataclass(frozen=True)
class ChangedView:
    """A view of a room with noise in place of its colours (of a `noise_seed`), or with other poses."""

    view: Media
    noise_seed: int | None = None
    poses: str | None = None

    def read(self) -> Clip:
        """Read the view and change it.

        Raises:
            ValueError: poses cannot be estimated.
        """
        clip = self.view.read()
        if self.poses is not None:
            clip = with_poses(clip, self.poses)
        return clip if self.noise_seed is None else noise_video(clip, self.noise_seed)


class RealRgbdTask(Task):
    """Questions about one RGB-D folder, answered from its depth sensor and the poses of its trajectory.

    With `noise`, colours are replaced by noise, so that only geometry is left. With `poses` ("odometry" or "colmap"),
    the model gets poses that are estimated from the frames and their depth, in the world in which the first camera
    stands as in the trajectory; "still" is a control, in which all frames have the pose of the first. Answers stay
    those of the trajectory.
    """

    def __init__(
        self,
        *,
        name: str,
        folder: str,
        count: int,
        categories: Sequence[str],
        seed: int = 0,
        multi_view: bool = False,
        noise: bool = False,
        poses: str | None = None,
    ) -> None:
        self.name = name
        self.about = f"Region questions about {folder}, answered from its depth sensor."
        self.pace = 1.0
        self.folder = folder
        self.count = count
        self.categories = list(categories)
        self.seed = seed
        self.multi_view = multi_view
        self.noise = noise
        self.poses = poses

    def items(self) -> list[Item]:
        """Draw the items; the same seed gives the same items, with or without noise, whatever the poses.

        Raises:
            ValueError: as `real_rgbd_items`.
        """
        items = real_rgbd_items(self.folder, self.count, self.seed, self.categories, multi_view=self.multi_view)
        items.sort(key=lambda item: item.cluster)  # a clip is then prepared once for all its questions of a batch
        if self.poses is None and not self.noise:
            return items
        seed = self.seed if self.noise else None
        return [replace(item, media=ChangedView(item.media, seed, self.poses)) for item in items]


def with_poses(clip: Clip, poses: str) -> Clip:
    """Replace the poses of a clip, see `RealRgbdTask`; the first camera keeps its own."""
    assert clip.world_T_cam is not None
    first = clip.world_T_cam[0]
    if poses == STILL:
        return replace(clip, world_T_cam=first.expand_as(clip.world_T_cam))
    estimate = open_provider(poses)(clip.video, clip.intrinsics, clip.depth)
    if estimate.world_T_cam is None:
        raise ValueError(f"poses '{poses}' are not estimated: choose odometry, colmap or {STILL}")
    return replace(clip, world_T_cam=first @ invert(estimate.world_T_cam[0]) @ estimate.world_T_cam)
