"""Records of a made-up study: arm `good` is right on every item, arm `bad` on every second one."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.records.archive import Run, write_archive
from benchmarks.records.manifest import Manifest
from benchmarks.records.record import Record
from benchmarks.region_qa.analyses.linear_probes import ProbeScores
from benchmarks.region_qa.scoring import score_items
from benchmarks.region_qa.study import AnswerStudy, TaskResult
from benchmarks.region_qa.tasks.worlds import WorldsTask
from scenes.worlds import WorldConfig


def record(arm: str, number: int, category: str, right: bool, seed: int = 0) -> Record:
    numeric = category == "distance"
    answer = ("1.0 m" if right else "9.0 m") if numeric else ("A" if right else "B")
    return Record(
        task="toy",
        item=f"clip-{number}/{category}",
        cluster=f"clip-{number}",
        arm=arm,
        seed=seed,
        metrics={"score": float(right)},
        category=category,
        question="How far?" if numeric else "Which? (A) <region0> (B) <region1>",
        options=() if numeric else ("<region0>", "<region1>"),
        answer="1.0 m" if numeric else "A",
        value=1.0 if numeric else None,
        unit="m" if numeric else "",
        prediction=answer,
        parsed=float(answer.split()[0]) if numeric else answer,
    )


def numeric(arm: str, number: int, category: str, truth: float, answer: float, seed: int = 0) -> Record:
    """An answer to a numeric question about clip `number`."""
    unit = {"speed": "m/s", "elapsed": "s"}.get(category, "m")
    made = replace(
        record(arm, number, "distance", True, seed), category=category, value=truth, parsed=answer, unit=unit
    )
    return replace(
        made, item=f"clip-{number}/{category}", metrics={"score": float(max(truth / answer, answer / truth) < 1.25)}
    )


def toy_records(clips: int = 40, arms: Sequence[str] = ("bad", "good")) -> list[Record]:
    return [
        record(arm, number, category, arm == "good" or number % 2 == 0)
        for arm in arms
        for number in range(clips)
        for category in ("nearer_camera", "distance")
    ]


def toy_probes(arm: str, error: float, clips: int = 12, seed: int = 0) -> ProbeScores:
    names = [f"clip-{n}" for n in range(clips)]
    layers = {"depth": [0.1, 1 - error]}
    return ProbeScores(arm, seed, names, {"depth": [error] * clips}, {"depth": [1.0] * clips}, layers)


def toy_study(**changes: object) -> AnswerStudy:
    manifest = Manifest({"command": "region4d compare"}, "abc", "a machine", {"torch": "2"}, "", "2026-01-01")
    fields = {
        "title": "A toy",
        "tasks": [TaskResult("toy", "Two questions a clip.", toy_records())],
        "contrasts": [("good", "bad")],
        "manifest": manifest,
        "summary": "Made up.",
        "curves": {"good seed 0": ([1.0, 2.0, 3.0], [3.0, 2.0, 1.0])},
    }
    return AnswerStudy(**{**fields, **changes})  # type: ignore[arg-type]


WORLDS: dict[str, Any] = {
    "_target_": "benchmarks.region_qa.tasks.worlds.WorldsTask",
    "name": "toy_worlds",
    "about": "Two small worlds.",
    "world": {"_target_": "scenes.worlds.WorldConfig", "height": 48, "width": 64, "frames": 3, "motion": True},
    "seeds": [40, 42],
    "categories": ["nearer_camera", "distance"],
    "questions_per_clip": 3,
    "clock": "half",
}


def write_world_study(folder: Path, target: str = str(WORLDS["_target_"])) -> Path:
    """Archive a study of two worlds, in which arm `right` gives the reference answers, and arm `wrong` none."""
    world = WorldConfig(height=48, width=64, frames=3, motion=True)
    settings = {key: value for key, value in WORLDS.items() if key != "_target_"}
    task = WorldsTask(**settings | {"world": world})
    items = [task.item(f"world-{seed}/{k}") for seed in range(*WORLDS["seeds"]) for k in range(3)]
    records, runs = [], []
    for arm in ("right", "wrong"):
        answers = [item.question.answer if arm == "right" else "-" for item in items]
        records += score_items(task.name, items, answers, arm, seed=0)
        config = {"task": WORLDS | {"_target_": target}}
        manifest = Manifest(config, "abc", "a machine", {"torch": "2"}, "f00d" * 16, "2026-01-01")
        runs.append(Run(f"{arm}-seed0", arm, 0, {task.name: manifest}))
    write_archive(folder / "study", runs, records)
    return folder / "study"
