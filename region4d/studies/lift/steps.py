"""The steps of a lifting study: measure a method on a test set, time arms, draw a contact sheet."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig, OmegaConf

from benchmarks.lifting.contact_sheet import draw_sheet
from benchmarks.lifting.measure import is_measured, measure
from benchmarks.lifting.speed import time_arms, write_speeds
from region4d.ends import end_with_parent
from region4d.studies.job import Step
from region4d.studies.lift.methods import LiftMethods
from scenes.storage.atomic import new_file


@dataclass(frozen=True)
class LiftStep(Step):
    """A step that reads methods and test sets from the configuration of the study, and writes one file."""

    config: DictConfig
    path: Path
    methods: tuple[str, ...]

    @property
    def finished(self) -> bool:
        """Whether the file exists."""
        return self.path.is_file()


@dataclass(frozen=True)
class Measurement(LiftStep):
    """Scores of one method on one test set; `identity` is everything that determines them."""

    test: str
    identity: Mapping[str, Any]
    state: str = field(default="measuring", init=False)

    @property
    def finished(self) -> bool:
        """Whether records of the same identity exist."""
        return is_measured(self.path, self.identity)

    def run(self) -> None:
        """Predict in batches, and score in as many processes as the step has threads."""
        methods, (name,) = LiftMethods.of(self.config), self.methods
        test, settings = methods.test(self.test), {"config": OmegaConf.to_container(self.config, resolve=True)}
        with scoring_pool(torch.get_num_threads()) as pool:
            measure(name, methods.method(name), test, self.path, pool, settings, self.config.batch_size)


@dataclass(frozen=True)
class Timing(LiftStep):
    """Seconds an object of the arms that the study names, on the first test set."""

    state: str = field(default="timing", init=False)

    def run(self) -> None:
        """Time the arms one after the other."""
        methods, speed = LiftMethods.of(self.config), self.config.study.speed
        test = methods.tests[0]
        indices = test.indices[: speed.objects]
        items, seeds = [test.store[index] for index in indices], [test.store.seeds[index] for index in indices]
        arms = {name: methods.arms[name] for name in self.methods}
        write_speeds(self.path, time_arms(arms, items, seeds, speed.repeats))


@dataclass(frozen=True)
class Drawing(LiftStep):
    """A contact sheet of the first objects of a test set."""

    test: str
    state: str = field(default="drawing", init=False)

    def run(self) -> None:
        """Draw the methods over the picture."""
        methods = LiftMethods.of(self.config)
        drawn = {name: methods.method(name) for name in self.methods}
        sheet = draw_sheet(methods.test(self.test), drawn, self.config.study.sheet.objects)
        with new_file(self.path) as draft:
            sheet.save(draft)


@contextmanager
def scoring_pool(workers: int) -> Iterator[Executor]:
    """Start processes that score, one thread each; they are forked from the server that has imported this module."""
    context = get_context("forkserver")
    context.set_forkserver_preload([__name__])  # no effect where the server runs already
    pool = ProcessPoolExecutor(workers, context, initializer=start_scoring)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def start_scoring() -> None:
    """Limit a scoring process to one thread, and end it with the process that started it."""
    torch.set_num_threads(1)
    threading.Thread(target=end_with_parent, daemon=True).start()
