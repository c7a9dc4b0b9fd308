"""Gathering the results of the finished runs of a study of region questions, for its report."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

from omegaconf import DictConfig, OmegaConf

from benchmarks.records.archive import read_archive, read_runs
from benchmarks.records.curve import parse_curve
from benchmarks.records.manifest import MANIFEST, Manifest, provenance, read_manifest
from benchmarks.records.record import Record, read_records
from benchmarks.region_qa.analyses.linear_probes import ProbeScores, parse_probes, read_probes
from benchmarks.region_qa.study import AnswerStudy, Endpoint, Example, TaskResult
from benchmarks.region_qa.tasks.task import Item, Task
from region4d.studies.compare.runs import StudyRun
from scenes.drawing.regions import contact_sheet, draw_regions


def gather_study(config: DictConfig, command: str, runs: Sequence[StudyRun], tasks: Mapping[str, Task]) -> AnswerStudy:
    """Gather records, probes, manifests, curves and examples of what is finished, live or in the archive of `runs`.

    Raises:
        ValueError: Nothing is finished.
    """
    study, folder = config.study, Path(config.runs)
    finished = [run for run in runs if is_finished(run, folder)]
    results = [
        TaskResult(name, task.about, [r for run in finished for r in answers(run, folder, name)], task.pace)
        for name, task in tasks.items()
    ]
    manifest = provenance([run_manifest(run, folder, name) for run in finished for name in tasks])
    settings: dict[str, Any] = OmegaConf.to_container(config, resolve=True)  # type: ignore[assignment]
    probes: dict[str, list[ProbeScores]] = {}
    for run in finished if study.probes else ():
        probes.setdefault(run.arm, []).append(linear_probes(run, folder))
    curves = {run.name: parse_curve(curve_text(run, folder)) for run in finished}
    arms = dict.fromkeys(run.arm for run in finished)
    return AnswerStudy(
        title=study.title,
        tasks=results,
        contrasts=[(a, b) for a, b in study.contrasts],
        manifest=replace(manifest, config={**settings, "command": command}),
        summary=summarise(study, finished, results[0]),
        primary=[Endpoint(e.task, e.category, tuple(e.contrast)) for e in study.primary],
        factorials={name: tuple(tuple(row) for row in cells) for name, cells in study.factorials.items()},
        probes=probes,
        curves={name: curve for name, curve in curves.items() if curve[0]},
        examples=draw_examples(results[0].records, tasks[results[0].name].items(), config.examples),
        question=study.get("question", ""),
        legend={arm: words for arm, words in study.get("legend", {}).items() if arm in arms},
        missing=[run.name for run in runs if run not in finished],
    )


def is_finished(run: StudyRun, runs: Path) -> bool:
    """Decide whether a run is finished: its live results are there, or the archive of `runs` holds it."""
    return run.finished or run.name in read_runs(runs)


def answers(run: StudyRun, runs: Path, task: str) -> Sequence[Record]:
    """Read the answers of a run to a task; live files come first."""
    archived = read_archive(runs).get((task, run.arm, run.seed))
    live = (run.records(task) / MANIFEST).is_file()
    return archived if archived and not live else read_records(run.records(task))


def run_manifest(run: StudyRun, runs: Path, task: str) -> Manifest:
    """Read what made the answers of a run to a task."""
    if (run.records(task) / MANIFEST).is_file() or run.name not in read_runs(runs):
        return read_manifest(run.records(task))
    return read_runs(runs)[run.name].manifests[task]


def linear_probes(run: StudyRun, runs: Path) -> ProbeScores:
    """Read the scores of the linear probes of a run."""
    archived = read_runs(runs).get(run.name)
    if run.probes.is_file() or archived is None or archived.probes is None:
        return read_probes(run.probes)
    return parse_probes(archived.probes, f"run {run.name} in {runs}")


def curve_text(run: StudyRun, runs: Path) -> str:
    """Read the training log of a run; empty where none was kept."""
    live, archived = run.folder / "metrics.csv", read_runs(runs).get(run.name)
    if live.is_file():
        return live.read_text(encoding="utf-8")
    return archived.curve if archived else ""


def summarise(study: DictConfig, finished: Sequence[StudyRun], task: TaskResult) -> str:
    """Describe the study in a few words."""
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
    by_item: dict[str, list[Record]] = {}
    for record in records:
        if record.seed == records[0].seed:
            by_item.setdefault(record.item, []).append(record)
    rng = Random(0)
    chosen = rng.sample(list(by_item), min(count // 2, len(by_item)))
    disputed = [name for name, each in by_item.items() if len({r.score for r in each}) > 1 and name not in chosen]
    chosen += rng.sample(disputed, min(count - len(chosen), len(disputed)))
    return [draw_example(item_of[name], by_item[name]) for name in chosen]


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
