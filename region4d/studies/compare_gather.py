"""Gathering what the finished runs of a study have written, for its report."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

from omegaconf import DictConfig, OmegaConf

from benchmarks.records.archive import archived_records
from benchmarks.records.manifest import collect_manifest
from benchmarks.records.record import Record, read_manifest, read_records
from benchmarks.region_qa.linear_probes import ProbeScores, read_probes
from benchmarks.region_qa.study import Endpoint, Example, Study, TaskResult
from benchmarks.region_qa.tasks.task import Item, Task
from region4d.studies.compare import StudyRun
from region4d.studies.runner import learning_curve
from scenes.drawing.regions import contact_sheet, draw_regions


def gather_study(config: DictConfig, command: str, runs: Sequence[StudyRun], tasks: Mapping[str, Task]) -> Study:
    """Gather records, probes, manifests, learning curves and examples of the finished runs."""
    study = config.study
    finished = [run for run in runs if run.finished]
    results = [
        TaskResult(name, task.about, gather_records(Path(config.runs), finished, name), task.pace)
        for name, task in tasks.items()
    ]
    settings = OmegaConf.to_container(config, resolve=True)
    manifest = collect_manifest({**settings, "command": command})  # type: ignore[dict-item]
    made = [read_manifest(run.records(results[0].name)) for run in finished]  # what made the answers, not this report
    manifest = replace(
        manifest,
        commit=", ".join(dict.fromkeys(m.commit for m in made)),
        machine="; ".join(dict.fromkeys(m.machine for m in made)),
        versions=made[0].versions,
    )
    probes: dict[str, list[ProbeScores]] = {}
    for run in finished if study.probes else ():
        probes.setdefault(run.arm, []).append(read_probes(run.probes))
    return Study(
        title=study.title,
        tasks=results,
        contrasts=[(a, b) for a, b in study.contrasts],
        manifest=manifest,
        summary=summarise(study, finished, results[0]),
        primary=[Endpoint(e.task, e.category, tuple(e.contrast)) for e in study.primary],
        factorials={name: tuple(tuple(row) for row in cells) for name, cells in study.factorials.items()},
        probes=probes,
        curves={run.name: curve for run in finished if (curve := learning_curve(run.folder / "metrics.csv"))[0]},
        examples=draw_examples(results[0].records, tasks[results[0].name].items(), config.examples),
        missing=[run.name for run in runs if not run.finished],
    )


def gather_records(folder: Path, finished: Sequence[StudyRun], task: str) -> list[Record]:
    """Read the answers of all runs to a task, from an archive of the study or one by one."""
    archived = archived_records(folder, task)
    return [r for run in finished for r in archived.get((run.arm, run.seed)) or read_records(run.records(task))]


def summarise(study: DictConfig, finished: Sequence[StudyRun], task: TaskResult) -> str:
    """Say in a few words what was done."""
    steps = sorted({int(run.config.trainer.max_steps) for run in finished})
    arms = dict.fromkeys(run.arm for run in finished)
    clips = len({record.cluster for record in task.records})
    controls = f" Controls: {', '.join(study.controls)}." if study.controls else ""
    return (
        f"Arms {', '.join(arms)}: one initialisation a seed, the same data in the same order, "
        f"{' or '.join(map(str, steps))} steps. Test: {clips} clips that no training has seen.{controls}"
    )


def draw_examples(records: Sequence[Record], items: Sequence[Item], count: int) -> list[Example]:
    """Draw questions of the first seed with the answers of all arms: half at random, half where the arms differ."""
    item_of = {item.name: item for item in items}
    answers: dict[str, list[Record]] = {}
    for record in records:
        if record.seed == records[0].seed:
            answers.setdefault(record.item, []).append(record)
    dice = Random(0)
    chosen = dice.sample(list(answers), min(count // 2, len(answers)))
    disputed = [name for name, said in answers.items() if len({r.score for r in said}) > 1 and name not in chosen]
    chosen += dice.sample(disputed, min(count - len(chosen), len(disputed)))
    return [draw_example(item_of[name], answers[name]) for name in chosen]


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
