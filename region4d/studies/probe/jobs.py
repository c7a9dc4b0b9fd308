"""The jobs of a probe study: for every model, noise level and control an extraction, and probes of its layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from omegaconf import DictConfig

from probes.training.module import ERRORS
from probes.training.vectorized import probe_folder
from region4d.studies.job import Job, VerbStep, composed
from region4d.verbs.extract import done_file


@dataclass(frozen=True)
class ProbeSite:
    """Where the features of a model are read: after which block, and under which noise level (None: it takes none)."""

    model: str
    layer: int
    sigma: float | None

    @property
    def source(self) -> str:
        """Name the model and the noise level."""
        return self.model if self.sigma is None else f"{self.model}-sigma{self.sigma:g}"


@dataclass(frozen=True)
class Control:
    """What changes at a site: overrides of `extract`, overrides of `train`, or the clips. GRID changes nothing."""

    name: str | None = None
    extract: tuple[str, ...] = ()
    train: tuple[str, ...] = ()
    clips: str | None = None

    @property
    def suffix(self) -> str:
        """What it adds to the names of folders."""
        return "" if self.name is None else "-" + self.name.replace(" ", "_")


GRID = Control()


@dataclass(frozen=True)
class Cell:
    """One probe: a site, in the grid or under a control, and the seed of the probe's weights."""

    site: ProbeSite
    variant: Control
    seed: int
    folder: Path  # of its errors, and of what else the probe has written
    archived: bool = False

    @property
    def model(self) -> str:
        """The model whose features it reads."""
        return self.site.model

    @property
    def layer(self) -> int:
        """The layer that it reads."""
        return self.site.layer

    @property
    def sigma(self) -> float | None:
        """The noise level of the features."""
        return self.site.sigma

    @property
    def control(self) -> str | None:
        """The name of a control or of a capacity; None in the grid."""
        return self.variant.name

    @property
    def name(self) -> str:
        """Name its site and control, whatever the seed."""
        level = "" if self.sigma is None else f", sigma {self.sigma:g}"
        return f"{self.model}, layer {self.layer}{level}" + (f", {self.control}" if self.control else "")

    @property
    def errors(self) -> Path:
        """Locate the errors of every clip."""
        return self.folder / ERRORS

    @property
    def finished(self) -> bool:
        """Whether its errors exist, live or in an archive."""
        return self.archived or self.errors.is_file() or self.errors.with_name(ERRORS + ".gz").is_file()


@dataclass(frozen=True)
class ProbeJob(Job):
    """An extraction and the probes of its features: one step where a study keeps features in memory."""

    steps: Sequence[VerbStep]
    cells: tuple[Cell, ...]

    @property
    def finished(self) -> bool:
        """Whether every probe is measured; its features may be gone."""
        return all(cell.finished for cell in self.cells)


@dataclass(frozen=True)
class ProbeJobs:
    """Plans the jobs of one study."""

    config: DictConfig
    archived: frozenset[str] = frozenset()

    def grid(self) -> list[ProbeJob]:
        """Plan every model at every layer and noise level, those with the most noise levels first."""
        study = self.config.study
        check_study(self.config)
        models = sorted(study.models, key=lambda model: -len(self.levels(model)))
        return [
            self.job([ProbeSite(model, layer, sigma) for layer in study.models[model].layers], GRID, seeds)
            for seeds in self.together(study.get("grid_seeds", study.seeds))
            for model in models
            for sigma in self.levels(model)
        ]

    def controls(self, chosen: Mapping[str, ProbeSite]) -> list[ProbeJob]:
        """Plan controls and capacities at the site that was chosen for each model.

        The seeds of that site which the grid did without (`grid_seeds`) come first.
        """
        study = self.config.study
        remaining = [seed for seed in study.seeds if seed not in study.get("grid_seeds", study.seeds)]
        jobs = [self.job([site], GRID, seeds) for seeds in self.together(remaining) for site in chosen.values()]
        variants = [*_controls(study), *_capacities(study)]
        for seeds in self.together(study.seeds):
            for control, models in variants:
                jobs += [self.job([chosen[model]], control, seeds) for model in models if model in chosen]
        return jobs

    def job(self, sites: Sequence[ProbeSite], control: Control, seeds: Sequence[int]) -> ProbeJob:
        """Plan the extraction of sites that differ in their layer, and their probes."""
        name = f"{sites[0].source}{control.suffix}-seed{'_'.join(map(str, seeds))}"
        plan = self._in_memory if self.config.study.in_memory else self._stored
        return plan(name, sites, control, seeds)

    def _in_memory(self, name: str, sites: Sequence[ProbeSite], control: Control, seeds: Sequence[int]) -> ProbeJob:
        """Plan the one training that extracts features, keeps them, and fits the probes of all layers and seeds.

        The overrides of `extract` that a control has are keys of the training's data here.
        """
        study, folder, sigma = self.config.study, Path(self.config.runs) / name, sites[0].sigma
        words = [f"experiment={study.experiment}", f"clips={control.clips or study.clips}"]
        words += [f"data.extraction.{word}" for word in control.extract]
        words += ["trainer.enable_progress_bar=false", *study.overrides, *control.train]
        words += [f"extractor={study.models[sites[0].model].extractor}"]
        words += [f"data.extraction.layers=[{','.join(str(site.layer) for site in sites)}]"]
        words += [] if sigma is None else [f"data.extraction.sigma={sigma:g}"]
        words += [f"module.seeds=[{','.join(map(str, seeds))}]", f"output={folder}"]
        step = VerbStep("extracting, training", "train", tuple(words), folder / "model")
        cells = [
            Cell(site, control, seed, folder / "model" / probe_folder(site.layer, seed), name in self.archived)
            for site in sites
            for seed in seeds
        ]
        return ProbeJob(name, folder, (step,), tuple(cells))

    def _stored(self, name: str, sites: Sequence[ProbeSite], control: Control, seeds: Sequence[int]) -> ProbeJob:
        """Plan an extraction into a store and one training a layer.

        A control that changes only the training reads the features of the grid.
        """
        study, (seed,), sigma = self.config.study, seeds, sites[0].sigma
        entry, clips = study.models[sites[0].model], control.clips or study.clips
        own = bool(control.extract or control.clips)  # features of its own
        features = Path(self.config.features) / (sites[0].source + (control.suffix if own else ""))
        layers = [site.layer for site in sites] if control.extract or clips != study.clips else list(entry.layers)
        words = [f"extractor={entry.extractor}", f"clips={clips}", f"layers=[{','.join(map(str, layers))}]"]
        words += [] if sigma is None else [f"sigma={sigma:g}"]
        words += [*control.extract, *study.extract_overrides, f"output={features}"]
        steps = [VerbStep("extracting", "extract", tuple(words), done_file(features, layers))]
        channels = composed("extract", (f"extractor={entry.extractor}",)).extractor.channels
        cells = []
        for site in sites:
            folder = Path(self.config.runs) / name / f"layer{site.layer}" / "model"
            training = [f"experiment={study.experiment}", f"clips={clips}", f"data.store={features}/layer{site.layer}"]
            training += [f"model.channels={channels}", f"seed={seed}", f"output={folder.parent}"]
            training += ["trainer.enable_progress_bar=false", *study.overrides, *control.train]
            steps.append(VerbStep(f"layer {site.layer}", "train", tuple(training), folder))
            cells.append(Cell(site, control, seed, folder, name in self.archived))
        return ProbeJob(name, Path(self.config.runs) / name, tuple(steps), tuple(cells))

    def together(self, seeds: Sequence[int]) -> list[list[int]]:
        """Group the seeds that one job trains: all of them in memory, else each by itself."""
        if self.config.study.in_memory:
            return [list(seeds)] if seeds else []
        return [[seed] for seed in seeds]

    def levels(self, model: str) -> list[float | None]:
        """List the noise levels of a model: the extractor's own (None without any) where the study names none."""
        entry = self.config.study.models[model]
        if "sigmas" in entry:
            return list(entry.sigmas)
        sigma: float | None = composed("extract", (f"extractor={entry.extractor}",)).extractor.sigma
        return [sigma]


def _controls(study: DictConfig) -> list[tuple[Control, list[str]]]:
    """Read the controls of a study, each with its models."""
    return [
        (Control(name, tuple(c.get("extract", ())), tuple(c.get("train", ())), c.get("clips")), list(c.of))
        for name, c in study.controls.items()
    ]


def _capacities(study: DictConfig) -> list[tuple[Control, list[str]]]:
    """Read the capacities of the probe that a study compares, each with its models."""
    return [
        (Control(name, train=tuple(train)), list(study.capacity_models))
        for name, train in study.probe_capacities.items()
    ]


def check_study(config: DictConfig) -> None:
    """Refuse a study that names models which it does not have, or that keeps features elsewhere than in a folder.

    Raises:
        ValueError: one of both, before anything is extracted.
    """
    study = config.study
    named = {model for pair in study.contrasts for model in pair} | set(study.capacity_models)
    named |= {model for control in study.controls.values() for model in control.of}
    if unknown := sorted(named - set(study.models)):
        raise ValueError(f"study {study.name} names {', '.join(unknown)}: its models are {', '.join(study.models)}")
    if "://" in str(config.features):
        raise ValueError(
            f"features={config.features} is an address, but a study keeps its features in a folder; `region4d extract "
            "output=...` and `region4d train experiment=probe/... data.store=...` take addresses"
        )
