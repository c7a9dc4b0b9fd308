"""Questions about procedural worlds that no training has seen."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from benchmarks.tasks.task import Item
from scenes.questions import ask_about, region_of
from scenes.worlds import WorldConfig
from scenes.worlds.store import WorldStore


class WorldsTask:
    """A fixed test set: world seeds, categories and the seed of the questions decide every item."""

    def __init__(
        self,
        *,
        name: str,
        world: WorldConfig,
        seeds: Sequence[int],
        categories: Sequence[str],
        questions_per_clip: int,
        seed: int = 0,
        stores: str = "outputs/worlds",
    ) -> None:
        self.name = name
        self.store = WorldStore(world, range(*seeds), root=Path(stores))
        self.categories = list(categories)
        self.questions_per_clip = questions_per_clip
        self.seed = seed

    def items(self) -> list[Item]:
        """Render what is missing of the worlds, and ask about each; regions are exact masks on all frames."""
        self.store.render()
        items = []
        for index in range(len(self.store)):
            clip = self.store[index]
            generator = torch.Generator().manual_seed(self.seed * 1_000_003 + index)
            questions = ask_about(clip, generator, categories=self.categories, total=self.questions_per_clip)
            regions = {o: region_of(clip, o) for question in questions for o in question.objects}
            items += [
                Item(
                    name=f"{clip.name}/{number}",
                    cluster=clip.name,
                    clip=clip,
                    regions=[regions[o] for o in question.objects],
                    question=question,
                )
                for number, question in enumerate(questions)
            ]
        return items
