"""A small benchmark as a task folder of lmms-eval."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks.region_qa.tasks.media import ClipInMemory, MarkInMemory
from benchmarks.region_qa.tasks.task import Item, Task
from region4d.lmms_eval.task_folder import DOCUMENTS, write_task_folder
from scenes.clip import Clip
from scenes.questions import ask_about, region_of
from scenes.worlds import WorldConfig, make_world, render

CATEGORIES = ("nearer_region", "distance", "colour")


@dataclass
class Toy(Task):
    """Four questions about each of a few clips."""

    clips: list[Clip]
    name: str = "toy"
    about: str = "Toys."
    pace: float = 1.0

    def items(self) -> Iterator[Item]:
        for clip in self.clips:
            asked = ask_about(
                clip, torch.Generator().manual_seed(0), categories=["nearer_region", "distance", "colour"], total=4
            )
            media = ClipInMemory(clip)
            for number, question in enumerate(asked):
                marks = [MarkInMemory(region_of(clip, index)) for index in question.objects]
                yield Item(f"{clip.name}/{number}", clip.name, media, marks, question)


@pytest.fixture(scope="session")
def toy() -> Toy:
    """Eight questions about two small worlds."""
    return Toy(render([make_world(seed, WorldConfig(height=64, width=64, frames=2)) for seed in (0, 1)], "cpu"))


@pytest.fixture(scope="session")
def folder(toy: Toy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The task folder of the toy."""
    path = tmp_path_factory.mktemp("tasks") / "toy"
    assert write_task_folder(toy, path, {"overrides": ["task=toy"]}) == "region4d_toy"
    return path


@pytest.fixture(scope="session")
def documents(folder: Path) -> list[dict[str, Any]]:
    """Its documents."""
    return [json.loads(line) for line in (folder / DOCUMENTS).read_text().splitlines()]
