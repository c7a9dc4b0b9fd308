"""Records of a made-up study: arm `good` is right on every item, arm `bad` on every second one."""

from benchmarks.manifest import Manifest
from benchmarks.records import Record
from benchmarks.report import Study


def record(arm: str, number: int, category: str, right: bool, seed: int = 0) -> Record:
    numeric = category == "distance"
    said = ("1.0 m" if right else "9.0 m") if numeric else ("A" if right else "B")
    return Record(
        task="toy",
        item=f"clip-{number}/{category}",
        cluster=f"clip-{number}",
        category=category,
        arm=arm,
        seed=seed,
        question="How far?" if numeric else "Which? (A) <region0> (B) <region1>",
        options=() if numeric else ("<region0>", "<region1>"),
        answer="1.0 m" if numeric else "A",
        value=1.0 if numeric else None,
        unit="m" if numeric else "",
        prediction=said,
        parsed=float(said.split()[0]) if numeric else said,
        reason="",
        score=float(right),
    )


def toy_records(clips: int = 40) -> list[Record]:
    return [
        record(arm, number, category, arm == "good" or number % 2 == 0)
        for arm in ("bad", "good")
        for number in range(clips)
        for category in ("nearer_camera", "distance")
    ]


def toy_study(**changes: object) -> Study:
    manifest = Manifest({"command": "region4d compare"}, "abc", "a machine", {"torch": "2"}, "", "2026-01-01")
    fields = {
        "title": "A toy",
        "records": toy_records(),
        "contrasts": [("good", "bad")],
        "manifest": manifest,
        "summary": "Made up.",
        "curves": {"good seed 0": ([1.0, 2.0, 3.0], [3.0, 2.0, 1.0])},
    }
    return Study(**{**fields, **changes})  # type: ignore[arg-type]
