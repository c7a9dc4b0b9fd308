"""The clip of an item of a finished study: a procedural world, rendered again from its seed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import yaml

from benchmarks.region_qa.tasks.counterfactual import CounterfactualTask
from benchmarks.region_qa.tasks.worlds import WorldsTask
from models.regions import Region
from region4d.studies.finished import FinishedStudy, StudyItem
from scenes.clip import Clip
from scenes.worlds import WorldConfig, make_world, render

TASKS: Mapping[str, type[WorldsTask]] = MappingProxyType(
    {"WorldsTask": WorldsTask, "CounterfactualTask": CounterfactualTask}
)
AGAIN = "a procedural world, rendered again from its seed"


@dataclass(frozen=True)
class ItemClip:
    """The clip of an item with its regions, and what it is: (what, how) pairs."""

    clip: Clip
    regions: Sequence[Region]
    facts: Sequence[tuple[str, str]]


def clip_of(study: FinishedStudy, item: StudyItem) -> ItemClip:
    """Render the world of an item, and mark its regions.

    Classes that records name are not instantiated: only the settings of worlds are read from them.

    Raises:
        ValueError: the item is not about a procedural world, or this version renders another one.
    """
    for config in _configs(study, item):
        kind = str(config.get("_target_", "")).rpartition(".")[2]
        if kind in TASKS:
            return _asked_world(TASKS[kind], config, item)
        if kind == "WorldClips" and (world := _probed_world(config, item)) is not None:
            return world
    raise ValueError(
        "the clip of this item is not shown: only procedural worlds can be made again, from the seed in their records"
    )


def _configs(study: FinishedStudy, item: StudyItem) -> Iterator[Mapping[str, Any]]:
    """Read what the runs recorded of their clips: the task of answers, the clips of probes."""
    for run in study.runs.values():
        if item.task in run.manifests:
            yield run.manifests[item.task].config.get("task") or {}
        elif run.features:
            yield ((yaml.safe_load(run.config) or {}).get("data") or {}).get("clips") or {}


def _asked_world(kind: type[WorldsTask], config: Mapping[str, Any], item: StudyItem) -> ItemClip:
    try:
        task = kind(**_settings(config) | {"world": WorldConfig(**_settings(config["world"]))})
    except (KeyError, TypeError) as error:
        raise ValueError(f"the task of this item was recorded by another version of region4d: {error}") from None
    made = task.item(item.name)
    if (made.question.text, made.question.answer) != (item.question, item.answer):
        raise ValueError(
            f"the clip of this item is not shown: this version of region4d asks '{made.question.text}' "
            f"({made.question.answer}) there, so its world is another one"
        )
    marked = f"exact masks on {'every frame' if task.marked == 'tracks' else 'the first frame'} that shows them"
    clock = "" if task.clock == "true" else task.clock
    facts = [("task", task.about), ("clip", AGAIN), ("regions", marked), ("timestamps", clock)]
    opened = made.open()
    return ItemClip(opened.clip, opened.regions, facts)


def _probed_world(config: Mapping[str, Any], item: StudyItem) -> ItemClip | None:
    prefix, _, seed = item.name.rpartition("-")
    first, last = config["seeds"][item.task]
    if prefix != config["prefix"] or not seed.isdigit() or not first <= int(seed) < last:
        return None
    (clip,) = render([make_world(int(seed), WorldConfig(**_settings(config["world"])))], "cpu", ())
    views = f"frames {', '.join(map(str, config['frames']))} of {len(clip)}: those that a probe reads"
    return ItemClip(clip.frames(config["frames"]), (), [("clip", AGAIN), ("views", views)])


def _settings(config: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in config.items() if key != "_target_"}
