"""Measuring methods on test sets of Lift-Worlds: predictions in batches, scores in worker processes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch
from rich.progress import track

from benchmarks.lifting.methods import ArmMethod, Method, seen_points
from benchmarks.lifting.records import LiftRecord, is_measured, write_lift_records
from benchmarks.lifting.scores import Prediction, score
from benchmarks.lifting.truth import RESOLUTION, make_truth_once, read_truth
from benchmarks.lifting.visible_reward import visible_reward
from benchmarks.records.manifest import collect_manifest
from models.lifting.inputs.evidence import Evidence
from scenes.worlds.masked_objects import MaskedObject, MaskedObjectStore

PROTOCOL = 1  # of the scores: records of another one are measured again


@dataclass(frozen=True)
class TestSet:
    """The first `limit` objects of a store; ICP is run for every so-manieth, `icp_items` in all."""

    __test__ = False  # for pytest

    name: str
    store: MaskedObjectStore
    limit: int
    icp_items: int
    truths: Path  # where true meshes are kept
    places: list[int] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "places", list(range(min(self.limit, len(self.store)))))
        if not self.places:
            raise ValueError(f"test set {self.name} is empty: give it a limit of 1 or more")

    @property
    def identity(self) -> Mapping[str, Any]:
        """All that determines the items and how they are scored."""
        seeds = self.store.seeds[: len(self.places)]
        return {
            "store": self.store.key,
            "seeds": [seeds.start, seeds.stop],
            "icp_items": self.icp_items,
            "protocol": PROTOCOL,
        }

    def has_icp(self, place: int) -> bool:
        """Tell whether ICP is run for an item; those of all occlusions are, because seeds draw them at random."""
        count = len(self.places)
        return place * self.icp_items // count != (place - 1) * self.icp_items // count

    def truth(self, place: int) -> Path:
        """Where the true mesh of an item is kept."""
        return self.truths / f"{self.store.key}-{RESOLUTION}" / f"{self.store.seeds[place]}.npz"


@contextmanager
def scoring_pool(workers: int) -> Iterator[Executor]:
    """Start processes that score, one thread each."""
    pool = ProcessPoolExecutor(workers, get_context("spawn"), initializer=torch.set_num_threads, initargs=(1,))
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def prepare_truths(test: TestSet, pool: Executor, workers: int) -> None:
    """Render the items and mesh the true objects that are missing."""
    test.store.render(workers)
    missing = [place for place in test.places if not test.truth(place).is_file()]
    items = [(place, test.store[place]) for place in missing]
    jobs = [
        pool.submit(make_truth_once, test.truth(place), test.store.world_object(item), item) for place, item in items
    ]
    for job in track(jobs, f"true meshes of {test.name}", disable=not jobs):
        job.result()


def measure(
    name: str, method: Method, test: TestSet, path: Path, pool: Executor, settings: Mapping[str, Any], batch: int
) -> bool:
    """Measure a method on a test set, unless it was; return whether it was measured now.

    The scores of all candidates are kept; ICP is run for the first one alone.
    """
    identity = method_identity(test, method.identity)
    if is_measured(path, identity):
        return False
    jobs: list[tuple[MaskedObject, int, int, Future[dict[str, float]] | str]] = []
    starts = range(0, len(test.places), batch)
    for start in track(starts, f"{name} on {test.name}"):
        places = test.places[start : start + batch]
        items, seeds = [test.store[place] for place in places], [test.store.seeds[place] for place in places]
        for candidate in range(method.candidates):
            found = method.predict(items, seeds, candidate)
            for place, item, seed, prediction in zip(places, items, seeds, found, strict=True):
                icp = candidate == 0 and test.has_icp(place)
                evidence = evidence_of(method, item, seed)
                jobs.append((item, seed, candidate, submit(pool, prediction, test.truth(place), evidence, icp)))
    records = [
        LiftRecord(
            test=test.name,
            item=str(seed),
            family=item.family,
            occlusion=float(item.occlusion),
            sky=bool((item.depth == 0).any()),
            method=name,
            candidate=candidate,
            failed=job if isinstance(job, str) else "",
            scores={} if isinstance(job, str) else job.result(),
        )
        for item, seed, candidate, job in track(jobs, f"scores of {name}")
    ]
    config: dict[str, Any] = {**settings, "identity": identity}
    if isinstance(method, ArmMethod):
        config |= {"seconds": method.seconds, "lifted": method.lifted, "batch": batch}
    write_lift_records(path, records, collect_manifest(config, method.checkpoint))
    return True


def submit(
    pool: Executor, prediction: Prediction | str, truth: Path, evidence: Evidence | None, icp: bool
) -> Future[dict[str, float]] | str:
    """Send a prediction to be scored; what failed stays as it is."""
    return prediction if isinstance(prediction, str) else pool.submit(score_job, prediction, truth, evidence, icp)


def score_job(prediction: Prediction, truth: Path, evidence: Evidence | None, icp: bool) -> dict[str, float]:
    """Score a prediction, in a process of its own."""
    found = score(prediction, read_truth(truth), icp)
    if evidence is not None:
        found["visible_reward"] = visible_reward(prediction, evidence)
    return found


def evidence_of(method: Method, item: MaskedObject, seed: int) -> Evidence | None:
    """Take what the method saw; None where it saw no points."""
    points = seen_points(item, method.points if isinstance(method, ArmMethod) else "exact", seed)
    if points is None or not bool((points.valid & item.mask).any()):
        return None
    return Evidence.of(points, item.mask, item.intrinsics)


def method_identity(test: TestSet, predictions: Mapping[str, Any]) -> dict[str, Any]:
    """Name all that determines the records of a method on a test set, as JSON has it."""
    named: dict[str, Any] = json.loads(json.dumps({**test.identity, **predictions}))
    return named


def records_path(folder: Path, test: str, method: str) -> Path:
    """Where the records of a method on a test set lie."""
    return folder / "records" / test / f"{method}.jsonl"
