"""The results of a comparison's finished runs, for its report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from omegaconf import DictConfig

from benchmarks.records.archive import read_results
from benchmarks.records.curve import parse_curve
from benchmarks.records.live_runs import trained_runs
from benchmarks.records.manifest import provenance
from benchmarks.region_qa.analyses.linear_probes import ProbeScores, parse_probes
from benchmarks.region_qa.study import AnswerStudy, Endpoint, TaskResult
from benchmarks.region_qa.tasks.task import Task
from region4d.studies.compare.runs import StudyRun, task_config
from region4d.studies.examples import draw_examples


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
    counterfactuals = None
    if study.counterfactuals:
        asked = str(task_config(study, study.counterfactuals).name)
        counterfactuals = [r for run in finished for r in results.records.get((asked, run.arm, run.seed), ())]
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
        pictured=list(study.pictured),
        factorials={name: tuple(tuple(row) for row in cells) for name, cells in study.factorials.items()},
        recovered=[((a, b), (c, d)) for (a, b), (c, d) in study.recovered],
        probes=probes,
        counterfactuals=counterfactuals,
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
