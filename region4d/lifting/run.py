"""Lifting the objects of one frame into a folder, with a progress bar."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich import get_console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from torch import nn

from benchmarks.records.manifest import checkpoint_hash
from models.lifting import LiftedObject, LiftingModel, Sampling, lift_many
from models.lifting.fitting.shape_fitting import FLOW_STEPS as FITTING_STEPS
from models.lifting.fitting.shape_fitting import ROUNDS
from region4d.lifting.candidates import choose_candidate, record_choice
from region4d.lifting.input import LiftInput, known_objects, outlines_alone
from region4d.lifting.options import LiftOptions
from region4d.lifting.output import describe, write_lift, write_masks
from scenes.storage.atomic import new_folder


@dataclass(frozen=True)
class LiftRun:
    """A finished lift: `facts` of each object, the names of its files, and notes of one line each."""

    facts: Sequence[Mapping[str, Any]]
    files: Sequence[str]
    notes: Sequence[str]
    count: int  # objects or candidates that went through the networks
    seconds: float  # in the networks


@dataclass(frozen=True)
class Drawn:
    """What the networks made of an input: its objects, or candidates of its one object, each with its seed."""

    given: LiftInput
    sampling: Sampling
    seeds: Sequence[int]
    objects: Sequence[LiftedObject]
    seconds: float  # in the networks


def lift_into(
    output: Path,
    networks: LiftingModel,
    model: Path,
    given: LiftInput,
    options: LiftOptions,
    choice: int | None = None,
) -> LiftRun:
    """Lift the objects and write everything to the new folder `output`, all or nothing.

    With `options.choose`, a person chooses among candidates of one object, or `choice` answers beforehand.

    Raises:
        FileExistsError: `output` exists.
        ValueError: an object cannot be lifted.
    """
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, transient=True, disable=not get_console().is_interactive) as progress:
        bar = progress.add_task("lifting", total=None)

        def count(called: int, total: int) -> None:
            progress.update(bar, completed=called, total=total)

        drawn = draw(networks, given, options, count, outlines_alone(model, given))
    run = write_drawn(output, model, drawn, options, choice)
    if options.shortcut and not networks.distilled:
        note = (
            f"note: {model} was not distilled for few steps; leave out --shortcut, or train experiment=lifting/shortcut"
        )
        return replace(run, notes=[*run.notes, note])
    return run


def draw(
    networks: LiftingModel,
    given: LiftInput,
    options: LiftOptions,
    counted: Callable[[int, int], None],
    outlines: bool = False,
) -> Drawn:
    """Lift the objects, or candidates of one, in one batch.

    `counted` is as `lift_counted` has it, `outlines` as `LiftOptions.resolve` has it.
    """
    sampling = options.resolve(networks.distilled, given.points is not None, outlines)
    seeds = options.seeds(len(given.masks))
    start = time.perf_counter()
    objects = lift_counted(networks, given, sampling, seeds, counted)
    return Drawn(given, sampling, seeds, objects, time.perf_counter() - start)


def write_drawn(output: Path, model: Path, drawn: Drawn, options: LiftOptions, choice: int | None = None) -> LiftRun:
    """Write what was drawn to the new folder `output`, all or nothing; with `options.choose`, ask which one is kept."""
    given, sampling, seeds, objects, seed = drawn.given, drawn.sampling, drawn.seeds, drawn.objects, options.seed
    with new_folder(output) as folder:
        if options.choose:
            number = choose_candidate(folder, given, objects, seeds, choice, output)
            record_choice(folder, given, model, sampling, seeds, number)
            objects, seed = ([objects[number - 1]], seeds[number - 1]) if number else ([], seed)
        write_masks(folder, given.masks)
        facts = describe(given, objects, seed)
        if objects:
            with get_console().status("drawing"):
                write_lift(folder, given, objects, facts, made_by(model, sampling, drawn.seconds))
        files = sorted(path.name for path in folder.iterdir())
    notes = [*given.notes, *known_objects(model, given.clip)]
    if sampling.shape == "hull" and options.shape is None:
        notes.append(
            "without depth a wrong shape goes unnoticed, so the mask was inflated; --shape network asks the model"
        )
    return LiftRun(facts, files, notes, len(seeds), drawn.seconds)


def lift_counted(
    networks: LiftingModel,
    given: LiftInput,
    sampling: Sampling,
    seeds: Sequence[int],
    counted: Callable[[int, int], None],
) -> list[LiftedObject]:
    """Lift the objects, or candidates of one, in one batch.

    `counted` gets the number of calls of the networks so far, and that of all; what it raises ends the lift.
    """
    if sampling.shape == "hull":
        counted(1, 1)
    calls: dict[nn.Module, int] = {
        networks.flow: sampling.steps + (ROUNDS * FITTING_STEPS if sampling.fit == "shape" else 0)
    }
    numbers, total, count = itertools.count(1), sum(calls.values()), len(seeds)
    hooks = [network.register_forward_hook(lambda *_: counted(next(numbers), total)) for network in calls]
    try:
        return lift_many(
            [given.image] * count,
            list(given.masks) if len(given.masks) == count else list(given.masks) * count,
            [given.points] * count,
            intrinsics=[given.intrinsics] * count,
            model=networks,
            sampling=sampling,
            seeds=seeds,
        )
    finally:
        for hook in hooks:
            hook.remove()


def made_by(model: Path, sampling: Sampling, seconds: float) -> dict[str, Any]:
    """Record the model and sampling of a lift, and its duration."""
    return {
        "model": str(model),
        "model_sha256": checkpoint_hash(model),
        "steps": sampling.steps,
        "guidance": sampling.guidance.weight,
        "shortcut": sampling.shortcut,
        "fit": sampling.fit,
        "best_of": sampling.best_of,
        "shape": sampling.shape,
        "seconds": round(seconds, 3),
    }
