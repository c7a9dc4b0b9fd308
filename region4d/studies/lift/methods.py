"""The test sets and methods of a lifting study, read from its configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from benchmarks.lifting.baselines import BASELINES, VERSION
from benchmarks.lifting.library import Library
from benchmarks.lifting.measure import EvaluationSet
from benchmarks.lifting.methods import BaselineMethod, Method, ModelMethod, OracleMethod
from models.checkpoint_registry import checkpoint_folder
from models.lifting import Guidance, Sampling
from region4d.configuration.compose import build
from region4d.studies.lift.library import read_library
from scenes.worlds.masked_objects import MaskedObjectStore


@dataclass(frozen=True)
class LiftMethods:
    """The test sets and methods of a study; `unavailable` gives the reason for methods that cannot be measured."""

    config: DictConfig
    tests: list[EvaluationSet]
    arms: Mapping[str, ModelMethod]
    ceilings: Mapping[str, OracleMethod]
    unavailable: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, config: DictConfig) -> LiftMethods:
        """Read a configuration.

        Raises:
            ValueError: a baseline, an arm's key, a pair of methods or the main arm is unknown; in one line.
        """
        study = config.study
        if unknown := [name for name in study.baselines if name not in BASELINES]:
            raise ValueError(f"study.baselines has no {unknown[0]}: choose from {', '.join(BASELINES)}")
        truths = Path(config.truths)
        tests = [
            EvaluationSet(name, build(entry.store), entry.limit, entry.icp_items, truths)
            for name, entry in study.tests.items()
            if entry is not None
        ]
        methods = cls(
            config,
            tests,
            {name: read_arm(name, entry) for name, entry in study.arms.items()},
            {name: OracleMethod(Path(folder) if folder else None) for name, folder in study.ceilings.items()},
        )
        pairs = [
            *study.effects.values(),
            *study.win_rates.values(),
            study.speed.arms,
            study.sheet.methods,
            [study.main] if study.main else [],
        ]
        if wrong := [name for pair in pairs for name in pair if name not in methods.every]:
            raise ValueError(
                f"study {study.name} compares or draws {wrong[0]}, which it does not measure: "
                f"{', '.join(methods.every)}"
            )
        for name, method in methods.models.items():
            folder = method.checkpoint
            if folder is not None and not (checkpoint_folder(folder) / "model.safetensors").is_file():
                methods.unavailable[name] = f"no lifting model in '{folder}'; train it, or name another folder"
        return methods

    def test(self, name: str) -> EvaluationSet:
        """Find a test set by its name."""
        return next(test for test in self.tests if test.name == name)

    @property
    def models(self) -> Mapping[str, ModelMethod | OracleMethod]:
        """The methods that run a model: arms and ceilings."""
        return {**self.arms, **self.ceilings}

    @property
    def every(self) -> list[str]:
        """All methods: ceilings, baselines, arms."""
        study = self.config.study
        return [*study.ceilings, *study.baselines, *study.arms]

    @property
    def names(self) -> list[str]:
        """The methods that can be measured."""
        return [name for name in self.every if name not in self.unavailable]

    @cached_property
    def library_store(self) -> MaskedObjectStore:
        """The training objects of the baselines."""
        store: MaskedObjectStore = build(self.config.study.library)
        return store

    @cached_property
    def library(self) -> Library:
        """The measures of these objects, which `keep_library` wrote."""
        return read_library(self.library_store)

    def identity(self, name: str) -> Mapping[str, Any]:
        """Everything that determines the predictions of a method, without reading the library."""
        if name in BASELINES:
            seeds = self.library_store.seeds
            return {"baseline": name, "version": VERSION, "library": [self.library_store.key, seeds.start, seeds.stop]}
        return self.models[name].identity

    def method(self, name: str) -> Method:
        """Make a method ready to predict."""
        if name in BASELINES:
            return BaselineMethod(name, self.library, self.identity(name))
        return self.models[name]


def read_arm(name: str, entry: DictConfig) -> ModelMethod:
    """Read one arm: a model's folder, `sampling`, `points`, `candidates`."""
    data: dict[str, Any] = OmegaConf.to_container(entry, resolve=True)  # type: ignore[assignment]
    if not isinstance(data.get("model"), str):
        raise ValueError(f"study.arms.{name} needs `model`, the folder of a lifting model")
    try:
        sampling = dict(data.pop("sampling", {}))
        guidance = Guidance(**sampling.pop("guidance", {}))
        return ModelMethod(Path(data.pop("model")), sampling=Sampling(**sampling, guidance=guidance), **data)
    except TypeError as error:
        raise ValueError(f"study.arms.{name} has a wrong key: {error}") from error
    except ValueError as error:
        raise ValueError(f"study.arms.{name}: {error}") from error
