"""`region4d compare`: matched arms, trained and scored side by side, and a report."""

from __future__ import annotations

import base64
import io
import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Annotated

import typer
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from benchmarks.manifest import collect_manifest
from benchmarks.records import Record, read_manifest, read_records
from benchmarks.report import Example, Study, to_terminal, write_report
from benchmarks.tasks.task import Item, Task
from region4d.configuration import compose_config, refuse_other_config
from region4d.study_runs import StudyRun, learning_curve, run_all
from region4d.terminal import CONSOLE
from scenes.drawing import contact_sheet, draw_regions


def compare(overrides: Annotated[list[str] | None, typer.Argument(help="Hydra overrides")] = None) -> None:
    """Train the arms of a study from one initialisation on the same data, score them, and write a report.

    Example: region4d compare study=quick "study.seeds=[0,1]". What is finished is kept: the same command continues.
    """
    config = compose_config("compare", overrides or [])
    folder, study = Path(config.output), config.study
    runs = [plan_run(config, arm, seed) for seed in study.seeds for arm in study.arms]
    for run in runs:
        refuse_other_config(run.folder, run.config)
    instantiate(runs[0].config.data).prepare_data()
    task: Task = instantiate(compose_config("bench", [f"task={study.task}"]).task)
    items = {item.name: item for item in task.items()}
    failures = run_all(runs, config.workers)
    scored = [run for run in runs if run.scored]
    if not scored:
        raise ValueError(f"no arm was scored: {'; '.join(failures)}")
    command = "region4d compare" + "".join(f" {shlex.quote(word)}" for word in overrides or [])
    report = collect_study(config, command, scored, [run.name for run in runs if not run.scored], items)
    write_report(report, folder)
    CONSOLE.print(to_terminal(report))
    CONSOLE.print(f"report: {folder / 'report.html'}")
    for failure in failures:
        CONSOLE.print(failure)
    if failures:
        raise typer.Exit(1)


def plan_run(config: DictConfig, arm: str, seed: int) -> StudyRun:
    """Compose the training of one arm with one seed, and name its commands."""
    study = config.study
    folder = Path(config.output) / f"{arm}-seed{seed}"
    assignments = [f"experiment={study.experiment}", f"arm={arm}", f"seed={seed}", f"output={folder}"]
    assignments += ["trainer.enable_progress_bar=false", *study.overrides]
    bench = [f"model={folder / 'model'}", f"task={study.task}", f"label={arm}", f"seed={seed}"]
    return StudyRun(
        arm=arm,
        seed=seed,
        folder=folder,
        config=compose_config("train", assignments),
        train=("train", *assignments),
        bench=("bench", *bench, f"output={folder / 'records'}"),
    )


def collect_study(
    config: DictConfig, command: str, runs: Sequence[StudyRun], missing: Sequence[str], items: dict[str, Item]
) -> Study:
    """Gather records, manifests, learning curves and examples of the finished runs."""
    study = config.study
    seeds = [s for s in study.seeds if all((arm, s) in {(r.arm, r.seed) for r in runs} for arm in study.arms)]
    complete = [run for run in runs if run.seed in seeds] or list(runs)
    records = [record for run in complete for record in read_records(run.folder / "records")]
    arms = {record.arm for record in records}
    settings = OmegaConf.to_container(config, resolve=True)
    manifest = collect_manifest({**settings, "command": command})  # type: ignore[dict-item]
    manifest = replace(manifest, commit=read_manifest(runs[0].folder / "records").commit)
    training = runs[0].config
    clips = len({record.cluster for record in records})
    summary = (
        f"Arms {', '.join(study.arms)}: one initialisation a seed, the same data in the same order, "
        f"{training.trainer.max_steps} steps. Seeds: {', '.join(map(str, seeds)) or 'incomplete'}. "
        f"Test: {study.task}, {clips} clips that no training has seen. "
        f"Endpoints named before the run: {', '.join(study.primary)}; controls: {', '.join(study.controls)}."
    )
    return Study(
        title=study.title,
        records=records,
        contrasts=[(a, b) for a, b in study.contrasts if {a, b} <= arms],
        manifest=manifest,
        summary=summary,
        curves={run.name: curve for run in complete if (curve := learning_curve(run.folder / "metrics.csv"))[0]},
        examples=draw_examples(records, items, config.examples),
        missing=missing,
    )


def draw_examples(records: Sequence[Record], items: dict[str, Item], count: int) -> list[Example]:
    """Draw random questions of the first seed with the answers of all arms."""
    first = [record for record in records if record.seed == records[0].seed]
    names = list(dict.fromkeys(record.item for record in first))
    chosen = Random(0).sample(names, min(count, len(names)))
    return [draw_example(items[name], [r for r in first if r.item == name]) for name in chosen]


def draw_example(item: Item, records: Sequence[Record]) -> Example:
    """Draw the frames of a question with its regions, as a JPEG inside a data address."""
    frames = [
        draw_regions(frame, {k: r.masks[t] for k, r in enumerate(item.regions) if t in r.masks}, min_side=192)
        for t, frame in enumerate(item.clip.video)
    ]
    file = io.BytesIO()
    contact_sheet(frames, len(frames)).save(file, "JPEG", quality=85)
    return Example(
        picture="data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode(),
        question=item.question.text,
        answer=item.question.answer,
        predictions=[{"arm": r.arm, "prediction": r.prediction or "(nothing)", "right": r.score > 0} for r in records],
    )
