"""Measurement of lifting methods: predictions in batches, scores in worker processes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.progress import track

from benchmarks.lifting.methods import Method, ModelMethod, has_depth, seen_points
from benchmarks.lifting.rewards import visible_support
from benchmarks.lifting.scores import Prediction, score
from benchmarks.lifting.truth import RESOLUTION, make_truths_once, read_truth
from benchmarks.records.manifest import MANIFEST, collect_manifest, read_manifest
from benchmarks.records.record import Fact, Record, write_records
from models.lifting.inputs.evidence import Evidence
from scenes.masked_object import MaskedObject, ObjectStore

PROTOCOL = 2  # raise it when scores change: records of an older protocol are measured again


@dataclass(frozen=True)
class EvaluationSet:
    """The first `limit` objects of a store; ICP is evaluated on `icp_items` evenly spaced items."""

    name: str
    store: ObjectStore
    limit: int
    icp_items: int
    truths: Path  # folder that caches the true meshes

    def __post_init__(self) -> None:
        if not self.indices:
            raise ValueError(
                f"evaluation set {self.name} is empty (limit {self.limit}, {len(self.store)} objects): give it seeds "
                "and a limit of 1 or more"
            )

    @property
    def indices(self) -> range:
        """The indices of the evaluated items in the store."""
        return range(min(self.limit, len(self.store)))

    @property
    def identity(self) -> Mapping[str, Any]:
        """Everything that determines the items and their scores, for comparing with existing records."""
        seeds = self.store.seeds[: len(self.indices)]
        return {
            "store": self.store.key,
            "seeds": [seeds.start, seeds.stop],
            "icp_items": self.icp_items,
            "protocol": PROTOCOL,
        }

    def has_icp(self, index: int) -> bool:
        """Decide whether ICP is run for an item; occlusions are in random order, so every level gets some."""
        count = len(self.indices)
        return index * self.icp_items // count != (index - 1) * self.icp_items // count

    def truth(self, index: int) -> Path:
        """Return the path of the true mesh of an item."""
        return self.truths / f"{self.store.key}-{RESOLUTION}" / f"{self.store.seeds[index]}.npz"


def prepare_truths(test: EvaluationSet, pool: Executor, workers: int) -> None:
    """Render missing items and mesh missing true objects."""
    test.store.render(workers)
    missing = [index for index in test.indices if not test.truth(index).is_file()]
    shown: dict[str, list[tuple[Path, MaskedObject]]] = {}  # items of the same object
    for index in missing:
        item = test.store[index]
        name = test.store.cluster(item, test.store.seeds[index])
        shown.setdefault(name, []).append((test.truth(index), item))
    jobs = [pool.submit(make_truths_once, test.store.solid(items[0][1]), items) for items in shown.values()]
    for job in track(jobs, f"true meshes of {test.name}", disable=not jobs):
        job.result()


def measure(
    name: str, method: Method, test: EvaluationSet, path: Path, pool: Executor, settings: Mapping[str, Any], batch: int
) -> bool:
    """Measure a method on a test set and write its records, unless they exist already.

    Every candidate is scored; ICP is run for the first one only.

    Returns:
        Whether the method was measured by this call.
    """
    identity = method_identity(test, method.identity)
    if is_measured(path, identity):
        return False
    jobs: list[tuple[MaskedObject, int, int, Mapping[str, Fact], Future[dict[str, float]] | str]] = []
    for start in track(range(0, len(test.indices), batch), f"{name} on {test.name}"):
        indices = test.indices[start : start + batch]
        items, seeds = [test.store[index] for index in indices], [test.store.seeds[index] for index in indices]
        for candidate in range(method.candidates):
            predictions = method.predict(items, seeds, candidate)
            for index, item, seed, prediction in zip(indices, items, seeds, predictions, strict=True):
                icp = candidate == 0 and test.has_icp(index)
                evidence = evidence_of(method, item, seed)
                facts = {} if isinstance(prediction, str) else prediction.facts
                job = submit(pool, prediction, test.truth(index), evidence, icp)
                jobs.append((item, seed, candidate, facts, job))
    records = [
        lift_record(test, name, item, seed, candidate, facts, job if isinstance(job, str) else job.result())
        for item, seed, candidate, facts, job in track(jobs, f"scores of {name}")
    ]
    config: dict[str, Any] = {**settings, "identity": identity}
    if isinstance(method, ModelMethod):
        config |= {"seconds": method.seconds, "lifted": method.lifted, "batch": batch}
    write_records(path, records, collect_manifest(config, method.checkpoint))
    return True


def lift_record(
    test: EvaluationSet,
    method: str,
    item: MaskedObject,
    seed: int,
    candidate: int,
    facts: Mapping[str, Fact],
    scores: dict[str, float] | str,
) -> Record:
    """Build the record of one candidate from its scores, or from the reason why it has no mesh."""
    of_item: dict[str, Fact] = {"family": item.family}
    if has_depth(item):
        of_item["sky"] = bool((item.depth == 0).any())
    if not bool(item.mask.any()):
        of_item["unseen"] = True
    if not bool(item.occlusion.isnan()):
        of_item["occlusion"] = float(item.occlusion)
    return Record(
        task=test.name,
        item=str(seed),
        cluster=f"{test.name}/{test.store.cluster(item, seed)}",
        arm=method,
        seed=0,
        metrics={} if isinstance(scores, str) else scores,
        candidate=candidate,
        facts={**of_item, **facts},
        reason=scores if isinstance(scores, str) else "",
    )


def is_measured(path: Path, identity: Mapping[str, Any]) -> bool:
    """Tell whether records with the same settings and items exist."""
    if not (path / MANIFEST).is_file():
        return False
    return bool(read_manifest(path).config.get("identity") == json.loads(json.dumps(identity)))


def submit(
    pool: Executor, prediction: Prediction | str, truth: Path, evidence: Evidence | None, icp: bool
) -> Future[dict[str, float]] | str:
    """Submit a prediction for scoring; a failure (its reason) is returned unchanged."""
    return prediction if isinstance(prediction, str) else pool.submit(score_job, prediction, truth, evidence, icp)


def score_job(prediction: Prediction, truth: Path, evidence: Evidence | None, icp: bool) -> dict[str, float]:
    """Score one prediction in a worker process."""
    scores = score(prediction, read_truth(truth), icp)
    if evidence is not None:
        scores["visible_reward"] = visible_support(prediction, evidence)
    return scores


def evidence_of(method: Method, item: MaskedObject, seed: int) -> Evidence | None:
    """Collect the depth evidence that the method saw; None where it saw no points of the object."""
    points = seen_points(item, method.points if isinstance(method, ModelMethod) else "exact", seed)
    if points is None or not bool((points.valid & item.mask).any()):
        return None
    return Evidence.of(points, item.mask, item.intrinsics)


def method_identity(test: EvaluationSet, predictions: Mapping[str, Any]) -> dict[str, Any]:
    """Collect everything that determines the records of a method on a test set, in JSON types."""
    identity: dict[str, Any] = json.loads(json.dumps({**test.identity, **predictions}))
    return identity


def records_path(folder: Path, test: str, method: str) -> Path:
    """Return the folder of a method's records on an evaluation set."""
    return folder / "records" / test / method
