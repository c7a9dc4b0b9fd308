"""Region questions about a real room, answered from its depth sensor; see benchmarks/region_qa/real_rgbd/items.py."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from benchmarks.region_qa.real_rgbd.items import noise_video, real_rgbd_items
from benchmarks.region_qa.tasks.task import Item


class RealRgbdTask:
    """Questions about one RGB-D folder; with `noise`, colours are replaced by noise, so that only geometry is left."""

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

    def items(self) -> list[Item]:
        """Draw the items; the same seed gives the same items, with or without noise."""
        items = real_rgbd_items(self.folder, self.count, self.seed, self.categories, multi_view=self.multi_view)
        items = sorted(
            items, key=lambda item: item.cluster
        )  # so that a clip is prepared once for all its questions of a batch
        if not self.noise:
            return items
        clips = {id(item.clip): noise_video(item.clip, self.seed) for item in items}
        return [replace(item, clip=clips[id(item.clip)]) for item in items]
