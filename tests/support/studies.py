"""Records of a made-up study: arm `good` is right on every item, arm `bad` on every second one."""

from collections.abc import Sequence
from dataclasses import replace

from benchmarks.records.manifest import Manifest
from benchmarks.records.record import Record
from benchmarks.region_qa.analyses.linear_probes import ProbeScores
from benchmarks.region_qa.study import AnswerStudy, TaskResult


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
