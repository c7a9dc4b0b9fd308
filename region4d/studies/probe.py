"""What a probe study consists of: for every model, noise level and control an extraction, and probes of its layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from omegaconf import DictConfig

from probes.training.module import ERRORS, read_errors
from probes.training.vectorized import probe_folder
from region4d.config import compose_config
from region4d.studies.runner import Job, Step
from region4d.verbs.extract import done_file


@dataclass(frozen=True)
class Cell:
    """One probe: a model read at a layer under a noise level, with or without a control, and a seed."""

    model: str
    layer: int
    sigma: float | None
    control: str | None  # a control, a step of the capacity ladder, or None in the grid
    seed: int
    folder: Path  # of its errors, and of what else the probe has written

    @property
    def name(self) -> str:
        """Name the place of the cell, whatever the seed."""
        level = "" if self.sigma is None else f", sigma {self.sigma:g}"
        return f"{self.model}, layer {self.layer}{level}" + (f", {self.control}" if self.control else "")

    @property
    def errors(self) -> Path:
        """Locate the errors of every clip."""
        return self.folder / ERRORS

    @property
    def finished(self) -> bool:
        """Tell whether they are there."""
        return self.errors.is_file() or self.errors.with_name(ERRORS + ".gz").is_file()


@dataclass(frozen=True)
class ProbeJob(Job):
    """An extraction, and the probes of what it gives: in one step where a study keeps features in memory."""

    cells: tuple[Cell, ...]

    @property
    def finished(self) -> bool:
        """Tell whether every probe is measured; features may be gone."""
        return all(cell.finished for cell in self.cells)


def plan_grid(config: DictConfig) -> list[ProbeJob]:
    """Plan every model at every layer and noise level, the slowest models' first."""
    study = config.study
    check_names(study)
    if "://" in str(config.features):
        raise ValueError(
            f"features={config.features}: a study keeps its features in a folder; `region4d extract output=...` and "
            "`region4d train experiment=probe/... data.store=...` take any address"
        )
    return [
        plan_job(config, model, entry.layers, sigma, None, seeds)
        for seeds in together(study, study.get("grid_seeds", study.seeds))
        for model, entry in sorted(study.models.items(), key=lambda named: -len(levels(config, named[0])))
        for sigma in levels(config, model)
    ]


def plan_controls(config: DictConfig, chosen: Mapping[str, Cell]) -> list[ProbeJob]:
    """Plan controls and the capacity ladder at the cell that was chosen for each model.

    Before them come the seeds of that cell which the grid did without (`grid_seeds`).
    """
    study, jobs = config.study, []
    for seeds in together(study, [seed for seed in study.seeds if seed not in study.get("grid_seeds", study.seeds)]):
        jobs += [plan_job(config, model, [cell.layer], cell.sigma, None, seeds) for model, cell in chosen.items()]
    for seeds in together(study, study.seeds):
        for name, control in study.controls.items():
            for model in (model for model in control.of if model in chosen):
                cell = chosen[model]
                jobs.append(
                    plan_job(
                        config,
                        model,
                        [cell.layer],
                        cell.sigma,
                        name,
                        seeds,
                        extract=control.get("extract", []),
                        train=control.get("train", []),
                        clips=control.get("clips"),
                    )
                )
        for name, train in study.ladder.items():
            for model in (model for model in study.ladder_of if model in chosen):
                cell = chosen[model]
                jobs.append(plan_job(config, model, [cell.layer], cell.sigma, name, seeds, train=train))
    return jobs


def plan_job(
    config: DictConfig,
    model: str,
    layers: Sequence[int],
    sigma: float | None,
    control: str | None,
    seeds: Sequence[int],
    *,
    extract: Sequence[str] = (),
    train: Sequence[str] = (),
    clips: str | None = None,
) -> ProbeJob:
    """Name the commands of one extraction and of the probes of its layers.

    A control that changes only the training reads the features of the grid.
    """
    study, extractor = config.study, config.study.models[model].extractor
    place = model if sigma is None else f"{model}-sigma{sigma:g}"
    changed = control.replace(" ", "_") if control else ""
    if study.in_memory:
        job = "-".join([place, *([changed] if changed else []), "seed" + "_".join(map(str, seeds))])
        return plan_bank(config, model, layers, sigma, control, seeds, job, extract, train, clips)
    (seed,) = seeds
    features = Path(config.features) / (f"{place}-{changed}" if extract or clips else place)
    clips = clips or study.clips
    taken = layers if extract or clips != study.clips else study.models[model].layers
    assignments = [f"extractor={extractor}", f"clips={clips}", f"layers=[{','.join(map(str, taken))}]"]
    assignments += [] if sigma is None else [f"sigma={sigma:g}"]
    assignments += [*extract, *study.extract_overrides, f"output={features}"]
    steps = [Step("extracting", ("region4d", "extract", *assignments), done_file(features, taken))]
    channels = compose_config("extract", [f"extractor={extractor}"]).extractor.channels
    job = f"{place}-{changed}-seed{seed}" if changed else f"{place}-seed{seed}"
    cells = []
    for layer in layers:
        folder = Path(config.runs) / job / f"layer{layer}" / "model"
        training = [f"experiment={study.experiment}", f"clips={clips}", f"data.store={features}/layer{layer}"]
        training += [f"model.channels={channels}", f"seed={seed}", f"output={folder.parent}"]
        training += ["trainer.enable_progress_bar=false", *study.overrides, *train]
        length = int(compose_config("train", training).trainer.max_steps)
        steps.append(Step(f"layer {layer}", ("region4d", "train", *training), folder, length))
        cells.append(Cell(model, layer, sigma, control, seed, folder))
    return ProbeJob(job, Path(config.runs) / job, tuple(steps), tuple(cells))


def plan_bank(
    config: DictConfig,
    model: str,
    layers: Sequence[int],
    sigma: float | None,
    control: str | None,
    seeds: Sequence[int],
    job: str,
    extract: Sequence[str],
    train: Sequence[str],
    clips: str | None,
) -> ProbeJob:
    """Name the one command that extracts features, keeps them in memory, and trains the probes of all layers and seeds.

    What a control says of `region4d extract` are keys of the training's data here.
    """
    study, folder = config.study, Path(config.runs) / job
    words = [f"experiment={study.experiment}", f"clips={clips or study.clips}"]
    words += [f"data.extraction.{word}" for word in extract]
    words += ["trainer.enable_progress_bar=false", *study.overrides, *train]
    length = steps_of(tuple(words))
    words += [f"extractor={study.models[model].extractor}", f"data.extraction.layers=[{','.join(map(str, layers))}]"]
    words += [] if sigma is None else [f"data.extraction.sigma={sigma:g}"]
    words += [f"module.seeds=[{','.join(map(str, seeds))}]", f"output={folder}"]
    step = Step("extracting, training", ("region4d", "train", *words), folder / "model", length)
    cells = [
        Cell(model, layer, sigma, control, seed, folder / "model" / probe_folder(layer, seed))
        for layer in layers
        for seed in seeds
    ]
    return ProbeJob(job, folder, (step,), tuple(cells))


@cache
def steps_of(words: tuple[str, ...]) -> int:
    """Count the steps of a training; composing takes half a second, and many jobs of a plan share what decides it."""
    return int(compose_config("train", words).trainer.max_steps)


def together(study: DictConfig, seeds: Sequence[int]) -> list[list[int]]:
    """Group the seeds that one job trains: all of them in memory, else each by itself."""
    if study.in_memory:
        return [list(seeds)] if seeds else []
    return [[seed] for seed in seeds]


def levels(config: DictConfig, model: str) -> list[float | None]:
    """List the noise levels of a model: None for one that takes none, its own where the study names none."""
    entry = config.study.models[model]
    if "sigmas" in entry:
        return list(entry.sigmas)
    sigma: float | None = compose_config("extract", [f"extractor={entry.extractor}"]).extractor.sigma
    return [sigma]


def choose_finished(grid: Sequence[ProbeJob], metric: str) -> dict[str, Cell]:
    """Choose the cells of the models whose grid is finished."""
    finished: dict[str, Cell] = {}
    for model in dict.fromkeys(cell.model for job in grid for cell in job.cells):
        jobs = [job for job in grid if job.cells[0].model == model]
        if all(cell.finished for job in jobs for cell in job.cells):
            finished |= choose(jobs, metric)
    return finished


def choose(jobs: Sequence[ProbeJob], metric: str) -> dict[str, Cell]:
    """Choose, for every model, the cell of the grid with the least error on validation clips, over all seeds.

    Raises:
        FileNotFoundError: a cell is not finished.
    """
    found: dict[str, dict[tuple[int, float | None], list[tuple[float, Cell]]]] = {}
    for cell in (cell for job in jobs for cell in job.cells):
        if not cell.finished:
            raise FileNotFoundError(f"the grid is not finished ({cell.folder} has no errors): run stage=grid first")
        errors = read_errors(cell.errors)["errors"]["val"].values()
        mean = sum(clip[metric] for clip in errors) / len(errors)
        found.setdefault(cell.model, {}).setdefault((cell.layer, cell.sigma), []).append((mean, cell))
    best = {
        model: min(places.values(), key=lambda seeds: sum(error for error, _ in seeds) / len(seeds))
        for model, places in found.items()
    }
    return {model: cells[0][1] for model, cells in best.items()}


def check_names(study: DictConfig) -> None:
    """Refuse a study that names models which it does not have, before anything is extracted.

    Raises:
        ValueError: so it does.
    """
    named = {model for pair in study.contrasts for model in pair} | set(study.ladder_of)
    named |= {model for control in study.controls.values() for model in control.of}
    if unknown := sorted(named - set(study.models)):
        raise ValueError(f"study {study.name} names {', '.join(unknown)}: its models are {', '.join(study.models)}")
