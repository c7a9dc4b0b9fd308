"""The results of a comparison's finished runs, for its report."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

from omegaconf import DictConfig

from benchmarks.records.archive import read_results
from benchmarks.records.curve import parse_curve
from benchmarks.records.live_runs import trained_runs
from benchmarks.records.manifest import provenance
from benchmarks.records.record import Record
from benchmarks.region_qa.analyses.linear_probes import ProbeScores, parse_probes
from benchmarks.region_qa.study import AnswerStudy, Endpoint, Example, TaskResult
from benchmarks.region_qa.tasks.task import Item, Task
from models.regions.drawing import draw_regions
from region4d.studies.compare.runs import StudyRun
from scenes.drawing.data_url import jpeg_url
from scenes.drawing.regions import contact_sheet


def gather_study(config: DictConfig, command: str, runs: Sequence[StudyRun], tasks: Mapping[str, Task]) -> AnswerStudy:
    """Read records, probes, curves and examples of the finished runs, live or from the archive of `config.runs`.

    Raises:
        ValueError: no run is finished, or one has no records of a task.
    """
    study, folder = config.study, Path(config.runs)
    finished = [run for run in runs if run.finished]
    if not finished:
        names = ", ".join(run.name for run in runs)
        raise ValueError(f"no run of study {study.name} is finished: {folder} holds none of {names}")
    results = read_results(folder).updated(*trained_runs(folder))
    measured = {(run.name, task): results.measured(run.name, task) for run in finished for task in tasks}
    answers = [
        TaskResult(name, task.about, [r for run in finished for r in measured[run.name, name][1]], task.pace)
        for name, task in tasks.items()
    ]
    probes: dict[str, list[ProbeScores]] = {}
    for run in finished if study.probes else ():
        probes.setdefault(run.arm, []).append(parse_probes(results.runs[run.name].probes or {}, f"run {run.name}"))
    curves = {run.name: parse_curve(results.runs[run.name].curve) for run in finished}
    arms = dict.fromkeys(run.arm for run in finished)
    return AnswerStudy(
        title=study.title,
        summary=summarise(study, finished, answers[0]),
        manifest=replace(provenance([manifest for manifest, _ in measured.values()]), config={"command": command}),
        question=study.get("question", ""),
        legend={arm: words for arm, words in study.get("legend", {}).items() if arm in arms},
        missing=[run.name for run in runs if not run.finished],
        tasks=answers,
        contrasts=[(a, b) for a, b in study.contrasts],
        primary=[Endpoint(e.task, e.category, tuple(e.contrast)) for e in study.primary],
        factorials={name: tuple(tuple(row) for row in cells) for name, cells in study.factorials.items()},
        probes=probes,
        curves={name: curve for name, curve in curves.items() if curve[0]},
        examples=draw_examples(answers[0].records, tasks[answers[0].name].items(), config.examples, folder),
    )


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


def draw_examples(records: Sequence[Record], items: Iterable[Item], count: int, runs: Path) -> list[Example]:
    """Draw questions of the first seed with all answers: half at random, half where the scores of the arms differ.

    `runs` is the folder of the records, which the commands of their cards name.
    """
    item_of = {item.name: item for item in items}
    by_item: dict[str, list[Record]] = {}
    for record in records:
        if record.seed == records[0].seed:
            by_item.setdefault(record.item, []).append(record)
    rng = Random(0)
    chosen = rng.sample(list(by_item), min(count // 2, len(by_item)))
    disputed = [name for name, each in by_item.items() if len({r.score for r in each}) > 1 and name not in chosen]
    chosen += rng.sample(disputed, min(count - len(chosen), len(disputed)))
    return [draw_example(item_of[name], by_item[name], runs) for name in chosen]


def draw_example(item: Item, records: Sequence[Record], runs: Path) -> Example:
    """Draw the frames of a question with its regions, as a JPEG inside a data address."""
    words = ["region4d", "records", "card", str(runs), item.name, "--task", records[0].task, "-o", "card.html"]
    opened = item.open()
    frames = [
        draw_regions(frame, {k: r.masks[t] for k, r in enumerate(opened.regions) if t in r.masks}, min_side=192)
        for t, frame in enumerate(opened.clip.video)
    ]
    return Example(
        picture=jpeg_url(contact_sheet(frames, len(frames))),
        question=item.question.text,
        answer=item.question.answer,
        predictions=[{"arm": r.arm, "prediction": r.prediction or "(nothing)", "right": r.score > 0} for r in records],
        command=shlex.join(words),
    )
