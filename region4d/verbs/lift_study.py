"""`region4d lift-study`: measure lifting on Lift-Worlds, against baselines, with a report."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer
from omegaconf import DictConfig, OmegaConf

from benchmarks.lifting.contact_sheet import draw_sheet
from benchmarks.lifting.measure import measure, method_identity, prepare_truths, records_path, scoring_pool
from benchmarks.lifting.records import is_measured
from benchmarks.lifting.sections import lift_sections, overview
from benchmarks.lifting.speed import time_arms, write_speeds
from benchmarks.report.page import Page
from region4d.config import compose_config, in_study_folder
from region4d.studies.lift import LiftPlan
from region4d.studies.lift_gather import SPEEDS, gather_lifts
from region4d.terminal import CONSOLE

METHOD = (
    "Intervals: 95 %, percentile bootstrap over objects, paired for differences; they speak of new objects, not "
    "of new trainings. True surfaces are the zero level of the solid's signed distance on a 96^3 grid: the outer "
    "surface. F1 and Chamfer take 4,000 points a surface against triangles; Chamfer is the mean of both "
    "directions, squared the sum of both mean squares; vIoU takes 64 voxels along [-1, 1], solid or touched by a "
    "triangle; EMD 256 points, exact assignment, its floor stated. 3D IoU: oriented boxes, exact; aligned: along "
    "the camera's axes, as published. ADD-S by the true diameter. Definitions: benchmarks/lifting/scores.py."
)


def lift_study(overrides: Annotated[list[str] | None, typer.Argument(help="Hydra overrides")] = None) -> None:
    """Measure lifting and its baselines, e.g. `region4d lift-study study=standard`.

    Every method is measured on every test set, and its scores are kept: the same command continues, and writes the
    report of what there is. `report_only=true` measures nothing.
    """
    words = overrides or []
    config = compose_config("lift_study", in_study_folder("lift", words))
    plan = LiftPlan.of(config)
    failures = [] if config.report_only else carry_out(plan)
    for failure in failures:
        CONSOLE.print(failure)
    study = gather_lifts(plan, shlex.join(["region4d", "lift-study", *words]))
    page = Page(study.title, study.summary, METHOD, lift_sections(study), study.manifest, study.missing)
    page.write(Path(config.output))
    for test in study.tests:
        for table in overview(study, test).tables:
            CONSOLE.print(table.markdown())
    CONSOLE.print(f"report: {Path(config.output) / 'report.html'}")
    if failures:
        raise typer.Exit(1)


def carry_out(plan: LiftPlan) -> list[str]:
    """Measure what is not; return what could not be."""
    failures = [f"{name}: {reason}" for name, reason in plan.unavailable.items()]
    settings = {"config": OmegaConf.to_container(plan.config, resolve=True)}
    with scoring_pool(plan.config.workers) as pool:
        for test in plan.tests:
            prepare_truths(test, pool, plan.config.workers)
            for name in plan.names:
                path = records_path(Path(plan.config.output), test.name, name)
                if is_measured(path, method_identity(test, plan.identity(name))):
                    continue
                measure(name, plan.method(name), test, path, pool, settings, plan.config.batch_size)
                CONSOLE.print(f"measured {name} on {test.name}")
    measure_speed(plan, plan.config)
    draw(plan)
    return failures


def draw(plan: LiftPlan) -> None:
    """Draw the methods that the study names over the first objects of each test set, once."""
    sheet = plan.config.study.sheet
    for test in plan.tests:
        path = Path(plan.config.output) / f"{test.name}.png"
        if sheet.methods and not path.is_file():
            known = [name for name in sheet.methods if name in plan.names]
            draw_sheet(test, {name: plan.method(name) for name in known}, sheet.objects).save(path)


def measure_speed(plan: LiftPlan, config: DictConfig) -> None:
    """Time the arms that the study names, once."""
    path = Path(config.output) / SPEEDS
    arms = {name: plan.arms[name] for name in config.study.speed.arms if name in plan.names and name in plan.arms}
    if not arms or path.is_file():
        return
    test = plan.tests[0]
    places = test.places[: config.study.speed.objects]
    items, seeds = [test.store[place] for place in places], [test.store.seeds[place] for place in places]
    write_speeds(path, time_arms(arms, items, seeds, config.study.speed.repeats))
