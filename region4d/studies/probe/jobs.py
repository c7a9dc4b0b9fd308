"""The jobs of a probe study: an extraction for every model, noise level and control, and probes of its layers."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from omegaconf import DictConfig

from benchmarks.probing.sites import ProbeSite
from probes.training.module import ERRORS
from probes.training.vectorized import probe_folder
from region4d.studies.job import Job, Step, VerbStep, composed
from region4d.verbs.experiments.extract import done_file


@dataclass(frozen=True)
class Control:
    """A change at a site: overrides of `extract` or `train`, or other clips. GRID changes nothing.

    A probe of another capacity is a control of the training.
    """

    name: str | None = None
    extract: tuple[str, ...] = ()
    train: tuple[str, ...] = ()
    clips: str | None = None

    @property
    def suffix(self) -> str:
        """The suffix of folder names."""
        return "" if self.name is None else "-" + self.name.replace(" ", "_")


GRID = Control()
Folders = dict[tuple[ProbeSite, int], Path]  # of a probe, by its site in the grid and its seed


@dataclass(frozen=True)
class Cell:
    """One probe: a site, in the grid or under a control, and the seed of the probe's weights.

    `folder` holds its errors and its points.
    """

    site: ProbeSite
    seed: int
    folder: Path

    @property
    def errors(self) -> Path:
        """The file of the errors of every clip."""
        return self.folder / ERRORS

    @property
    def finished(self) -> bool:
        """Whether its errors exist."""
        return self.errors.is_file()

    def series(self, split: str) -> tuple[str, str, int]:
        """Name its records of a split of the clips."""
        return split, self.site.name, self.seed


@dataclass(frozen=True)
class ForgetFeatures(Step):
    """Removal of a store whose probes are measured."""

    features: Path
    state: str = "removing features"

    @property
    def finished(self) -> bool:
        """Whether it is gone."""
        return not (self.features.exists() or self._removed.exists())

    def run(self) -> None:
        """Remove it; what is left of it where that is stopped is not taken for a store."""
        if self.features.exists():
            self.features.rename(self._removed)
        shutil.rmtree(self._removed)

    @property
    def _removed(self) -> Path:
        return self.features.with_name(f".{self.features.name}.removed")


@dataclass(frozen=True)
class ProbeJob(Job):
    """An extraction and the probes of its features: one step where a study keeps features in memory."""

    steps: Sequence[Step]
    cells: tuple[Cell, ...]

    @property
    def finished(self) -> bool:
        """Whether every probe is measured, live or in the archive, and features that nothing needs are gone."""
        forgotten = all(step.finished for step in self.steps if isinstance(step, ForgetFeatures))
        return self.archived or (forgotten and all(cell.finished for cell in self.cells))

    @property
    def extraction(self) -> VerbStep:
        """The first step, which extracts features."""
        first = self.steps[0]
        assert isinstance(first, VerbStep)
        return first

    @property
    def trainings(self) -> list[VerbStep]:
        """The trainings of probes."""
        return [step for step in self.steps if isinstance(step, VerbStep) and step.verb == "train"]

    def name_of(self, cell: Cell) -> str:
        """Name a cell inside the job, as the archive does."""
        return cell.folder.relative_to(self.folder).as_posix()


@dataclass(frozen=True)
class ProbeJobs:
    """The planner of a study's jobs; `archived` names those whose results the archive holds."""

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
        for seeds in self.together(study.seeds):
            for control, models in read_controls(study):
                jobs += [self.job([chosen[model]], control, seeds) for model in models if model in chosen]
        return jobs

    def job(self, sites: Sequence[ProbeSite], control: Control, seeds: Sequence[int]) -> ProbeJob:
        """Plan the extraction of sites that differ in their layer, and their probes."""
        name = f"{source_of(sites[0])}{control.suffix}-seed{'_'.join(map(str, seeds))}"
        plan = self._in_memory if self.config.study.in_memory else self._stored
        steps, folders = plan(Path(self.config.runs) / name, sites, control, seeds)
        cells = [Cell(replace(site, control=control.name), seed, folder) for (site, seed), folder in folders.items()]
        return ProbeJob(name, Path(self.config.runs) / name, steps, tuple(cells), archived=name in self.archived)

    def _in_memory(
        self, folder: Path, sites: Sequence[ProbeSite], control: Control, seeds: Sequence[int]
    ) -> tuple[list[Step], Folders]:
        """Plan the one training that extracts features, keeps them, and fits the probes of all layers and seeds.

        The overrides of `extract` that a control has are keys of the training's data here.
        """
        study, sigma = self.config.study, sites[0].sigma
        words = [f"experiment={study.experiment}", f"clips={control.clips or study.clips}"]
        words += [f"data.extraction.{word}" for word in control.extract]
        words += ["trainer.enable_progress_bar=false", *study.overrides, *control.train]
        words += [f"extractor={study.models[sites[0].model].extractor}"]
        words += [f"data.extraction.layers={listed(site.layer for site in sites)}"]
        words += [] if sigma is None else [f"data.extraction.sigma={sigma:g}"]
        words += [f"module.seeds={listed(seeds)}", f"output={folder}"]
        model = folder / "model"
        folders = {(site, seed): model / probe_folder(site.layer, seed) for site in sites for seed in seeds}
        return [VerbStep("extracting, training", "train", tuple(words), model)], folders

    def _stored(
        self, folder: Path, sites: Sequence[ProbeSite], control: Control, seeds: Sequence[int]
    ) -> tuple[list[Step], Folders]:
        """Plan an extraction into a store and one training a layer.

        A control that changes only the training reads the features of the grid.
        """
        study, (seed,), sigma = self.config.study, seeds, sites[0].sigma
        entry, clips = study.models[sites[0].model], control.clips or study.clips
        own = bool(control.extract or control.clips)  # features of its own
        features = Path(self.config.features) / (source_of(sites[0]) + (control.suffix if own else ""))
        layers = [site.layer for site in sites] if control.extract or clips != study.clips else list(entry.layers)
        words = [f"extractor={entry.extractor}", f"clips={clips}", f"layers={listed(layers)}"]
        words += [] if sigma is None else [f"sigma={sigma:g}"]
        words += [*entry.get("extract", ()), *control.extract, *study.extract_overrides, f"output={features}"]
        steps: list[Step] = [VerbStep("extracting", "extract", tuple(words), done_file(features, layers))]
        channels = composed("extract", (f"extractor={entry.extractor}",)).extractor.channels
        folders = {}
        for site in sites:
            model = folder / f"layer{site.layer}" / "model"
            training = [f"experiment={study.experiment}", f"clips={clips}", f"data.store={features}/layer{site.layer}"]
            training += [f"model.channels={channels}", f"seed={seed}", f"output={model.parent}"]
            training += ["trainer.enable_progress_bar=false", *study.overrides, *control.train]
            steps.append(VerbStep(f"layer {site.layer}", "train", tuple(training), model))
            folders[site, seed] = model
        forget = [] if study.keep_features else [ForgetFeatures(features)]
        return [*steps, *forget], folders

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


def source_of(site: ProbeSite) -> str:
    """Name the model and the noise level of a site."""
    return site.model if site.sigma is None else f"{site.model}-sigma{site.sigma:g}"


def listed(values: Iterable[int]) -> str:
    """Write numbers as a list of Hydra."""
    return f"[{','.join(map(str, values))}]"


def read_controls(study: DictConfig) -> list[tuple[Control, list[str]]]:
    """Read the controls of a study and the capacities of its probes, each with its models."""
    controls = [
        (Control(name, tuple(c.get("extract", ())), tuple(c.get("train", ())), c.get("clips")), list(c.of))
        for name, c in study.controls.items()
    ]
    capacities = [Control(name, train=tuple(words)) for name, words in study.probe_capacities.items()]
    return [*controls, *((capacity, list(study.capacity_models)) for capacity in capacities)]


def check_study(config: DictConfig) -> None:
    """Check the names of models and the folder of features, before anything is extracted.

    Raises:
        ValueError: the study names a model that it does not have, `features` is not a folder, or features would be
            removed that several jobs read.
    """
    study = config.study
    named = {model for pair in study.contrasts for model in pair} | set(study.capacity_models)
    named |= {model for control in study.controls.values() for model in control.of}
    if unknown := sorted(named - set(study.models)):
        raise ValueError(f"study {study.name} names {', '.join(unknown)}: its models are {', '.join(study.models)}")
    if not study.keep_features and (len(study.seeds) > 1 or study.controls or study.probe_capacities):
        raise ValueError(
            f"study {study.name} removes features that its seeds, controls or capacities share: set "
            "study.keep_features=true, or leave them out"
        )
    if "://" in str(config.features):
        raise ValueError(
            f"features={config.features} is an address, but a study keeps its features in a folder; `region4d extract "
            "output=...` and `region4d train experiment=probe/... data.store=...` take addresses"
        )
