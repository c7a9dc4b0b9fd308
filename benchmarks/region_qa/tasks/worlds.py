"""Questions about held-out procedural worlds."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from benchmarks.region_qa.tasks.media import ClipInMemory, Media
from benchmarks.region_qa.tasks.task import Item, Task
from models.regions import Region
from scenes.clip import Clip
from scenes.questions import ask_about, region_of
from scenes.worlds import WorldConfig, make_world, render
from scenes.worlds.store import WorldStore

MARKINGS = ("tracks", "first_frame")
PACE = {"true": 1.0, "half": 0.5, "double": 2.0, "tenth": 0.1, "tenfold": 10.0, "shuffled": 1.0}


@dataclass(frozen=True)
class ObjectMark:
    """The exact masks of an object of a world, on every frame that shows it, or on the `first` of these only."""

    index: int
    first: bool = False

    def region(self, clip: Clip) -> Region:
        """Mark the object.

        Raises:
            ValueError: no frame shows it.
        """
        region = region_of(clip, self.index)
        if not self.first:
            return region
        frame = min(region.masks)
        return Region({frame: region.masks[frame]}, region.name)


class WorldsTask(Task):
    """A fixed test set: world seeds, categories and the seed of the questions determine every item.

    Args:
        name: name of the test set in records.
        world: distribution of the worlds.
        seeds: first and last (exclusive) seed of the worlds.
        categories: categories of the questions that are drawn.
        questions_per_clip: number of questions drawn per clip.
        asked: categories that are kept of the drawn questions; None for all. Items keep their names.
        marked: "tracks" for exact masks on every frame that shows a region, "first_frame" for the first of these only.
        clock: timestamps: "true"; "half", "double", "tenth" or "tenfold" the seconds; or "shuffled", those of another
            clip. Questions and answers stay the same.
        digest: expected hash of the items (see `digest_of`); None for a test set that is not fixed.
        seed: seed of the questions.
        stores: folder of rendered worlds.
        about: description of the test set, one sentence.
    """

    def __init__(
        self,
        *,
        name: str,
        world: WorldConfig,
        seeds: Sequence[int],
        categories: Sequence[str],
        questions_per_clip: int,
        asked: Sequence[str] | None = None,
        marked: str = "tracks",
        clock: str = "true",
        digest: str | None = None,
        seed: int = 0,
        stores: str = "outputs/worlds",
        about: str = "",
    ) -> None:
        if clock not in PACE:
            raise ValueError(f"clock={clock!r} is unknown: choose one of {', '.join(PACE)}")
        if marked not in MARKINGS:
            raise ValueError(f"marked={marked!r} is unknown: choose one of {', '.join(MARKINGS)}")
        if unknown := sorted(set(asked or ()) - set(categories)):
            raise ValueError(
                f"{name} does not draw {', '.join(unknown)}: add it to `categories`, or remove it from `asked`"
            )
        self.name = name
        self.about = about
        self.pace = PACE[clock]
        self.store = WorldStore(world, range(*seeds), root=Path(stores))
        self.categories = list(categories)
        self.questions_per_clip = questions_per_clip
        self.asked = set(categories if asked is None else asked)
        self.marked, self.clock, self.digest = marked, clock, digest
        self.seed = seed
        self._checked = False

    def items(self) -> Iterable[Item]:
        """Render what is missing of the worlds, and ask about one after the other.

        Raises:
            ValueError: the items are not those that `digest` stands for.
        """
        self.store.render()
        if self.digest is not None and not self._checked:
            digest = digest_of(item for index in range(len(self.store)) for item in self._ask(index, self.store[index]))
            if digest != self.digest:
                raise ValueError(
                    f"test set {self.name} has changed: its questions hash to {digest}, expected {self.digest}. Its "
                    "scores do not compare with older ones: undo the change of scenes/, or give the set a new version "
                    "and digest"
                )
            self._checked = True
        return self._stream()

    def _stream(self) -> Iterator[Item]:
        for index in range(len(self.store)):
            items = self._ask(index, self.store[index])
            yield from (item for item in items if item.question.category in self.asked)

    def item(self, name: str) -> Item:
        """Render the world of one item alone, without the store, and ask about it.

        Raises:
            ValueError: the set has no such item.
        """
        index = next((k for k, seed in enumerate(self.store.seeds) if name.startswith(f"world-{seed}/")), None)
        asked = [] if index is None else self._ask(index, self._render(index))
        found = [item for item in asked if item.name == name and item.question.category in self.asked]
        if index is None or not found:
            raise ValueError(f"test set {self.name} has no item '{name}'")
        (item,) = found
        clip = self._render(index)
        return replace(item, media=ClipInMemory(replace(clip, seconds=self._seconds(index, self._render))))

    def _render(self, index: int) -> Clip:
        (clip,) = render([make_world(self.store.seeds[index], self.store.config)], "cpu", self.store.signals)
        return clip

    def _ask(self, index: int, clip: Clip) -> list[Item]:
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + index)
        questions = ask_about(clip, generator, categories=self.categories, total=self.questions_per_clip)
        media: Media = StoredWorld(self, index)
        return [
            Item(
                name=f"{clip.name}/{number}",
                cluster=clip.name,
                media=media,
                marks=[ObjectMark(o, first=self.marked == "first_frame") for o in question.objects],
                question=question,
            )
            for number, question in enumerate(questions)
        ]

    def clip(self, index: int) -> Clip:
        """Read the index-th world, with the timestamps of `clock`."""
        return replace(self.store[index], seconds=self._seconds(index, self.store.__getitem__))

    def _seconds(self, index: int, clip_of: Callable[[int], Clip]) -> torch.Tensor:
        source = (index + 1) % len(self.store) if self.clock == "shuffled" else index
        return self.pace * clip_of(source).seconds


@dataclass(frozen=True)
class StoredWorld:
    """A world of a task, in its store."""

    task: WorldsTask
    index: int

    def read(self) -> Clip:
        """Read the clip."""
        return self.task.clip(self.index)


def digest_of(items: Iterable[Item]) -> str:
    """Hash names, questions and reference answers to 16 hexadecimal digits that identify a test set.

    Pixels are left out, because processors differ in the last bit of a rendering.
    """
    digest = hashlib.sha256()
    for item in items:
        digest.update(f"{item.name}|{item.question.text}|{item.question.answer}\n".encode())
    return digest.hexdigest()[:16]
