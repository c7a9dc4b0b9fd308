"""What a probe study needs, told before it starts: probes, hours of a GPU, bytes of a disk."""

from __future__ import annotations

import math
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig, OmegaConf

from benchmarks.report.table import Table
from models.resources import resource_folder
from probes.clips.clip_sets import ClipSet
from probes.clips.prepared_files import LABEL_SIZE
from probes.extractors.costs.cost import dtype_of
from probes.extractors.costs.meter import Meter
from probes.extractors.costs.skeletons import META, skeleton
from probes.extractors.costs.tables import RECORD, read_costs
from probes.extractors.extractor import Extractor
from probes.features.options import DTYPES
from probes.features.store import RESERVED_DISK
from region4d.configuration.compose import build
from region4d.studies.probe.jobs import ProbeJob

RESULTS = resource_folder("results") / "extractors"
BACKWARD = 4  # a step in forwards: the forward, its recomputation, and a backward of two


@dataclass(frozen=True)
class Need:
    """What one job needs; None where nothing is known about its extractor.

    Args:
        name: name of the job.
        probes: trainings.
        features: bytes of its store.
        extraction: floating point operations of the extraction.
        training: those of the trainings.
    """

    name: str
    probes: int
    features: int | None
    extraction: float | None
    training: float | None


@dataclass(frozen=True)
class Budget:
    """What unfinished jobs need.

    Args:
        needs: what each needs.
        kept: whether stores stay until the end.
        workers: jobs at a time.
        tflops: operations that a GPU sustains, 10^12 a second.
    """

    needs: Sequence[Need]
    kept: bool
    workers: int
    tflops: float

    @property
    def disk(self) -> int:
        """The largest number of bytes that stores take at a time: of all jobs, or of as many as run together."""
        sizes = sorted((need.features or 0 for need in self.needs), reverse=True)
        return sum(sizes if self.kept else sizes[: self.workers])

    def hours(self, operations: float | None) -> float | None:
        """Convert operations to hours of one GPU."""
        return None if operations is None else operations / (self.tflops * 1e12) / 3600

    def text(self) -> str:
        """Tabulate all jobs, and sum them up."""
        rows = [
            [need.name, str(need.probes), number(terabytes(need.features)), *map(number, self._hours_of(need))]
            for need in self.needs
        ]
        table = Table(["job", "probes", "TB of features", "GPU-hours, features", "GPU-hours, probes"], rows).markdown()
        probes = sum(need.probes for need in self.needs)
        hours = sum(value or 0 for need in self.needs for value in self._hours_of(need))
        unknown = [need.name for need in self.needs if None in (need.features, need.extraction, need.training)]
        left_out = f"; not counted where unknown: {', '.join(unknown)}" if unknown else ""
        return (
            f"{table}\n\n{probes} probes, about {hours:.3g} GPU-hours at {self.tflops:g} TFLOP/s sustained, "
            f"{self.disk / 1e12:.3g} TB of disk at a time{left_out}"
        )

    def _hours_of(self, need: Need) -> tuple[float | None, float | None]:
        return self.hours(need.extraction), self.hours(need.training)

    def refuse_if_full(self, folder: Path, stored: int = 0) -> None:
        """Check the disk, where `stored` bytes of the features are already.

        Raises:
            OSError: it has less room than the stores take at a time.
        """
        there = folder.absolute()
        while not there.exists():
            there = there.parent
        disk = shutil.disk_usage(there)
        if self.disk - stored > disk.free - RESERVED_DISK * disk.total:
            raise OSError(
                f"features take {self.disk / 1e12:.3g} TB at a time, and {folder} has {disk.free / 1e12:.3g} TB left: "
                "name another folder (features=FOLDER), run fewer jobs at a time (workers=1, study.keep_features=false)"
                ", or halve them (study.extract_overrides with dtype=int8)"
            )


def terabytes(size: int | None) -> float | None:
    """Convert bytes."""
    return None if size is None else size / 1e12


def number(value: float | None) -> str:
    """Write a number; a question mark where it is unknown."""
    return "?" if value is None else f"{value:.3g}"


def job_need(job: ProbeJob) -> Need:
    """Estimate the need of a job from its configuration and the costs of its extractor."""
    config = job.extraction.config
    clips: ClipSet = build(config.clips)
    extractor = published_skeleton(config.extractor)
    names = clips.names
    features = extraction = training = None
    if extractor is not None:
        kept = extractor.slot_map(extractor.frames or CLIP_FRAMES).slots_of(clips.kept(names[0]))
        shape = (len(set(kept)), *grid_of(extractor), int(config.extractor.channels))
        features = len(names) * len(config.layers) * math.prod(shape) * DTYPES[config.dtype].itemsize
        cost = known_cost(config.extractor, extractor)
        extraction = None if cost is None else float(len(names)) * cost
        training = sum(training_operations(step.config, clips, shape) for step in job.trainings)
    return Need(job.name, len(job.trainings), features, extraction, training)


CLIP_FRAMES = 150  # of a clip where an extractor takes all: the slots that are kept do not depend on it


def published_skeleton(config: DictConfig) -> Extractor | None:
    """Build the extractor of a composed configuration without weights; None where its sizes are not known."""
    held: Any = OmegaConf.to_container(config, resolve=True)
    if "sizes" not in held:
        return None
    arguments = dict(held["build"])
    target = arguments.pop("_target_")
    return skeleton(target, {**arguments, "dtype": None}, held["sizes"], dtype_of(held))


def grid_of(extractor: Extractor) -> tuple[int, int]:
    """Count the rows and columns of tokens in a slot."""
    model: Any = extractor
    side = getattr(model, "cell", None) or getattr(model, "patch", None) or model.model.patch
    return int(extractor.size[0] // side), int(extractor.size[1] // side)


def known_cost(config: DictConfig, extractor: Extractor) -> float | None:
    """Look up the operations of an extraction, scaled by the frames of the clip; None where they were not counted."""
    if not (RESULTS / RECORD).is_file():
        return None  # an installed package has no results
    found = read_costs(RESULTS).get(str(config.build.name))
    if found is None or tuple(found.size) != extractor.size:
        return None
    return found.stopped * (extractor.frames or CLIP_FRAMES) / found.frames


def training_operations(config: DictConfig, clips: ClipSet, shape: tuple[int, int, int, int]) -> float:
    """Count the operations of training a probe: those of its forward on one clip, times the clips it sees."""
    train, views, meter = len(clips.splits["train"]), len(clips.views(clips.names[0])), Meter()
    with META:
        probe = build(config.model).requires_grad_(False)
        features = torch.empty(1, views, *shape[1:])
        with meter.running():
            probe(features, LABEL_SIZE)
    samples = config.data.epochs * train if config.data.epochs else config.trainer.max_steps * config.data.batch_size
    return float(BACKWARD * meter.operations * samples)
