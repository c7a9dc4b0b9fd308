"""Questions about procedural worlds, and the same questions after one thing of the world was changed."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random
from types import MappingProxyType
from typing import Any

import numpy as np

from benchmarks.records.record import Fact
from benchmarks.region_qa.tasks.media import ClipInMemory
from benchmarks.region_qa.tasks.task import Item
from benchmarks.region_qa.tasks.worlds import ObjectMark, WorldsTask
from scenes.clip import Clip
from scenes.counterfactuals.clips import with_scale, with_shuffled_frames, with_times
from scenes.counterfactuals.moved import with_moved_object
from scenes.questions import Question
from scenes.questions.again import ask_again
from scenes.questions.facts import Facts
from scenes.worlds import make_world, render

TIME, SCALE = 0.5, 1.6  # factors; beyond 1.25 squared, no number is right both before and after
APART, ALIKE = 1.25**2, 1.02  # ratios of two true numbers from which on, and up to which, they count as another or one
KIND, ORIGINAL, CHANGES = "counterfactual", "original", "truth_changes"  # facts of a record


@dataclass(frozen=True)
class Scene:
    """A world of the task with its clip, its facts and its original items; `rng` draws what is changed."""

    task: WorldsTask
    index: int
    clip: Clip
    facts: Facts
    items: Sequence[Item]
    rng: Random


Changed = Iterator[tuple[Item, Question]]  # an original item, with the question and its answer after the change


def timestamps_halved(scene: Scene) -> tuple[Clip | None, Changed]:
    """Halve all timestamps: durations halve, speeds double, nothing else changes."""
    return _on_clip(scene, with_times(scene.clip, TIME))


def depth_scaled(scene: Scene) -> tuple[Clip | None, Changed]:
    """Multiply depth and camera positions by 1.6: the same pictures of a larger world."""
    return _on_clip(scene, with_scale(scene.clip, SCALE))


def frames_shuffled(scene: Scene) -> tuple[Clip | None, Changed]:
    """Show the frames in another order, at the same times."""
    return _on_clip(scene, with_shuffled_frames(scene.clip, scene.rng))


def object_moved(scene: Scene) -> tuple[Clip | None, Changed]:
    """Put the object that most questions are about elsewhere, and render the world again."""
    asked = Counter(k for item in scene.items for k in item.question.objects)
    world = make_world(scene.task.store.seeds[scene.index], scene.task.store.config)
    moved = with_moved_object(world, [k for k, _ in asked.most_common()], scene.rng)
    return _on_clip(scene, None if moved is None else render([moved[0]], "cpu", ())[0])


def mark_shifted(scene: Scene) -> tuple[Clip | None, Changed]:
    """Point at a neighbour of a region instead: the nearest object that gives the question another answer, or any."""

    def shifted() -> Changed:
        for item in scene.items:
            asked = [
                again
                for place in scene.rng.sample(range(len(item.question.objects)), len(item.question.objects))
                for neighbour in _neighbours(scene.facts, item.question.objects, place)
                if (again := _with_object(item.question, scene.facts, place, neighbour)) is not None
            ]
            if asked:
                yield item, next((each for each in asked if changes(item.question, each)), asked[0])

    return scene.clip, shifted()


KINDS: MappingProxyType[str, Callable[[Scene], tuple[Clip | None, Changed]]] = MappingProxyType(
    {
        "timestamps_halved": timestamps_halved,
        "depth_scaled": depth_scaled,
        "object_moved": object_moved,
        "mark_shifted": mark_shifted,
        "frames_shuffled": frames_shuffled,
    }
)
EVERY = tuple(KINDS)


class CounterfactualTask(WorldsTask):
    """Items of worlds, each followed by the same question where one thing is changed.

    The answer is computed anew from the truth of the changed world, by the category that drew the question. A changed
    item is named after its original and its kind, `world-7/3@object_moved`. Of every world and kind, at most `most` are
    kept whose truth is clearly another, and at most `controls` whose truth stays. Originals are kept where one of these
    follows.

    Args:
        kinds: what is changed, of `KINDS`.
        most: changed items of a world and kind whose truth is another.
        controls: changed items of a world and kind whose truth stays.
        options: those of `WorldsTask`.

    Raises:
        ValueError: a kind is unknown, or an option is.
    """

    def __init__(self, *, kinds: Sequence[str] = EVERY, most: int = 2, controls: int = 1, **options: Any) -> None:
        if unknown := [kind for kind in kinds if kind not in KINDS]:
            raise ValueError(f"kinds={','.join(unknown)} is unknown: choose among {', '.join(KINDS)}")
        super().__init__(**options)
        self.kinds, self.room = list(kinds), {True: most, False: controls}

    def item(self, name: str) -> Item:
        """Render the world of one item alone, without the store, change it where the name says so, and ask about it.

        Raises:
            ValueError: the set has no such item.
        """
        original, _, kind = name.partition("@")
        if kind not in self.kinds:
            return super().item(name)
        index = self.store.seeds.index(int(super().item(original).cluster.removeprefix("world-")))
        clip = self._render(index)
        found = [item for item in self._changed(kind, index, clip, self._originals(index, clip)) if item.name == name]
        if not found:
            raise ValueError(f"test set {self.name} has no item '{name}'")
        return found[0]

    def _originals(self, index: int, clip: Clip) -> list[Item]:
        return [item for item in self._ask(index, clip) if item.question.category in self.asked]

    def _stream(self) -> Iterator[Item]:
        for index in range(len(self.store)):
            clip = self.clip(index)
            items = self._originals(index, clip)
            changed = [item for kind in self.kinds for item in self._changed(kind, index, clip, items)]
            kept = {item.facts[ORIGINAL] for item in changed}
            yield from (item for item in items if item.name in kept)
            yield from changed

    def _changed(self, kind: str, index: int, clip: Clip, items: Sequence[Item]) -> list[Item]:
        scene = Scene(self, index, clip, Facts.of(clip), items, Random(f"{clip.name} {kind}"))
        other, asked = KINDS[kind](scene)
        if other is None:
            return []
        media, kept, room = ClipInMemory(other), [], dict(self.room)
        for item, question in asked:
            truth = changes(item.question, question)
            if truth is None or not room[truth]:
                continue
            room[truth] -= 1
            marks = [ObjectMark(o, first=self.marked == "first_frame") for o in question.objects]
            name = f"{item.name}@{kind}"
            facts: dict[str, Fact] = {KIND: kind, ORIGINAL: item.name, CHANGES: truth}
            kept.append(replace(item, name=name, media=media, marks=marks, question=question, facts=facts))
        return kept


def changes(before: Question, after: Question) -> bool | None:
    """Whether the truth is clearly another, so that no answer is right both times; None where it is neither nor one."""
    if before.value is None or after.value is None:
        return before.answer != after.answer
    ratio = max(before.value / after.value, after.value / before.value)
    return True if ratio > APART else False if ratio <= ALIKE else None


def _on_clip(scene: Scene, clip: Clip | None) -> tuple[Clip | None, Changed]:
    """Ask all questions of a world about another clip of its objects."""
    if clip is None:
        return None, iter(())
    facts = Facts.of(clip)
    again = ((item, ask_again(item.question, facts)) for item in scene.items)
    return clip, ((item, question) for item, question in again if question is not None and _shown(facts, question))


def _with_object(question: Question, facts: Facts, place: int, obj: int) -> Question | None:
    objects = list(question.objects)
    objects[place] = obj
    again = ask_again(question, facts, objects)
    return again if again is not None and _shown(facts, again) else None


def _shown(facts: Facts, question: Question) -> bool:
    """Whether every object of a question is in some frame, so that it can be marked."""
    return all(bool((facts.area[:, k] > 0).any()) for k in question.objects)


def _neighbours(facts: Facts, objects: Sequence[int], place: int) -> list[int]:
    """List the visible objects that are not asked about, the nearest to that of a place first."""
    away = np.linalg.norm(facts.centre[0] - facts.centre[0, objects[place]], axis=-1)
    return [k for k in np.argsort(away).tolist() if facts.visible[k] and k not in objects and math.isfinite(away[k])]
