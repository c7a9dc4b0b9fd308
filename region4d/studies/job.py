"""Jobs of a study and their steps, as the runner sees them."""

from __future__ import annotations

import importlib
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, ListConfig

from region4d.configuration.compose import compose_config
from region4d.layout import PREFIX, TOP_LEVEL

UNSAFE_TO_PRELOAD = ("diffusers", "probes.extractors.diffusion")  # they query graphics cards on import

COMPOSING = threading.Lock()  # Hydra has global state, and jobs run in threads


class Step(ABC):
    """One computation of a job. It is pickled, and runs in its own process."""

    state: str  # shown by the progress bar during the step

    @property
    @abstractmethod
    def finished(self) -> bool:
        """Whether its result exists."""

    @abstractmethod
    def run(self) -> None:
        """Compute the result."""

    @property
    def length(self) -> int:
        """The optimizer steps of a training; 0 for other steps."""
        return 0

    @property
    def metrics(self) -> Path | None:
        """The log of a training, which holds its progress."""
        return None

    def modules(self) -> set[str]:
        """Name the modules that `run` needs; the runner imports them once, before it forks."""
        return {type(self).__module__}


@dataclass(frozen=True)
class VerbStep(Step):
    """A verb of `region4d` with its overrides; `done` is the file or folder that exists once it has succeeded."""

    state: str
    verb: str
    overrides: tuple[str, ...]
    done: Path

    @cached_property
    def config(self) -> DictConfig:
        """The configuration of the verb, composed once and pickled with the step."""
        return composed(self.verb, self.overrides)

    def __getstate__(self) -> dict[str, Any]:
        """Compose the configuration before pickling."""
        return {**self.__dict__, "config": self.config}

    @property
    def finished(self) -> bool:
        """Whether `done` exists."""
        return self.done.exists()

    @property
    def length(self) -> int:
        """The optimizer steps of a training; 0 for other verbs."""
        return max(0, int(self.config.trainer.max_steps)) if self.verb == "train" else 0  # -1: epochs say when

    @property
    def metrics(self) -> Path | None:
        """The log of a training."""
        return Path(self.config.output) / "metrics.csv" if self.verb == "train" else None

    def run(self) -> None:
        """Run the verb on its configuration."""
        importlib.import_module(f"region4d.verbs.experiments.{self.verb}").run(self.config, self.overrides)

    def modules(self) -> set[str]:
        """Name the module of the verb, and those of the classes in its configuration."""
        targets = {target.rpartition(".")[0] for target in _targets(self.config)}
        return {
            f"region4d.verbs.experiments.{self.verb}",
            *(name for name in targets if not name.startswith(UNSAFE_TO_PRELOAD)),
        }


@dataclass(frozen=True)
class Job:
    """Steps that follow each other, under the name by which `run=NAME` chooses them.

    Args:
        name: name of the job.
        folder: folder of its log.
        steps: steps, in order.
        archived: whether the archive of the study holds its results.
    """

    name: str
    folder: Path
    steps: Sequence[Step]
    archived: bool = field(default=False, kw_only=True)

    @property
    def finished(self) -> bool:
        """Whether all results exist, live or in the archive."""
        return self.archived or all(step.finished for step in self.steps)


@cache
def composed(verb: str, overrides: tuple[str, ...]) -> DictConfig:
    """Compose the configuration of a verb once: it takes about half a second, and a plan has hundreds of steps."""
    with COMPOSING:
        return compose_config(verb, overrides)


def _targets(node: object) -> Iterator[str]:
    if isinstance(node, DictConfig):
        for key, value in node.items():
            if key == "_target_":  # YAML names modules as the repository does; a wheel has them below `region4d`
                top = str(value).partition(".")[0]
                yield f"{PREFIX}{value}" if top in TOP_LEVEL else str(value)
            else:
                yield from _targets(value)
    elif isinstance(node, ListConfig):
        for value in node:
            yield from _targets(value)
