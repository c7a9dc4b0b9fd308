"""Submissions to EASI's leaderboard: `easi_results.json` with all scores, and `easi_results.zip` with every answer.

Source: `scripts/submissions/postprocess.py` and `docs/Submit_results.md` of EvolvingLMMs-Lab/EASI, commit 0c1a41e.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from types import MappingProxyType

from benchmarks.diff.run import Run
from benchmarks.records.record import RECORDS, Record, format_record
from benchmarks.region_qa.scores import categories_of
from scenes.storage.atomic import new_file, write_text

VSI, ACCURACY = ("vsi_bench", "vsi_debiased"), "_accuracy"
BENCHMARKS = (*VSI, "mmsi_bench", "mindcube_tiny", "viewspatial", "blink", "embspatial")
ELSEWHERE = MappingProxyType({"site": "chance-adjusted accuracy", "3dsrbench": "circular evaluation"})
MRA_TYPES = ("object_abs_distance", "object_counting", "object_size_estimation", "room_size_estimation")
DIRECTIONS = "object_rel_direction"
TYPES, PRECISIONS = ("pretrained", "finetuned", "instruction", "rl"), ("bfloat16", "float16", "float32", "int8")
LARGEST_ZIP_MB = 4.5
_NAMES = (("positional_relationship", "pos"), ("attribute", "attr"))  # MMSI-Bench, as lmms-eval writes it


@dataclass(frozen=True)
class Submission:
    """What a leaderboard asks of a model, by the names of EASI.

    Raises:
        ValueError: the name is not OWNER/NAME, or type or precision is unknown.
    """

    modelName: str
    modelType: str
    precision: str
    revision: str = "main"
    weightType: str = "Original"
    baseModel: str = ""
    remarks: str = ""

    def __post_init__(self) -> None:
        if self.modelName.count("/") != 1:
            raise ValueError(f"--model '{self.modelName}' is not OWNER/NAME, as the Hub names models")
        for what, value, known in (("type", self.modelType, TYPES), ("precision", self.precision, PRECISIONS)):
            if value not in known:
                raise ValueError(f"--{what} '{value}' is unknown: choose one of {', '.join(known)}")


def check_benchmark(name: str) -> None:
    """Raise ValueError where a benchmark is not one of EASI's that are scored by a mean over items."""
    if name in ELSEWHERE:
        raise ValueError(f"{name} is scored by {ELSEWHERE[name]}: run it with EASI's own script")
    if name not in BENCHMARKS:
        raise ValueError(f"EASI has no benchmark '{name}' that is exported here: choose from {', '.join(BENCHMARKS)}")


def whole(run: Run) -> Run:
    """Refuse a run of the first items of a benchmark.

    Raises:
        ValueError: its manifest names a limit.
    """
    limit = run.manifest.config.get("limit") if run.manifest is not None else None
    if limit is not None:
        raise ValueError(f"{run.source} holds only the first {limit} items; run all")
    return run


def write_submission(folder: Path, submission: Submission, runs: Mapping[str, Run]) -> tuple[Path, float]:
    """Write both files; return that of the scores, and the size of the archive in megabytes."""
    scores = {name: scores_of(name, run.records) for name, run in runs.items()}
    tools = dict.fromkeys(run.tool for run in runs.values())
    payload = {
        **asdict(submission),
        "backend": ", ".join(tools),
        "scores": {name: overall for name, (overall, _) in scores.items()},
        "subScores": {name: parts for name, (_, parts) in scores.items()},
    }
    write_text(folder / "easi_results.json", json.dumps(payload, indent=2, ensure_ascii=False) + "\n")
    model, data = submission.modelName.rpartition("/")[2], io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, run in runs.items():
            archive.writestr(f"{model}/{model}_{name}_{RECORDS}", "".join(map(format_record, run.records)))
    with new_file(folder / "easi_results.zip") as draft:
        draft.write_bytes(data.getvalue())
    return folder / "easi_results.json", len(data.getvalue()) / 1e6


def scores_of(name: str, records: Sequence[Record]) -> tuple[float, dict[str, float]]:
    """Score a run in percent, over all and by category: VSI-Bench by the mean of its types, others by that of items."""
    by_category = {
        category: fmean(score_of(record) for record in records if record.category == category)
        for category in categories_of(records)
    }
    if name in VSI:
        turns = [by_category.pop(category) for category in list(by_category) if category.startswith(DIRECTIONS)]
        by_category |= {DIRECTIONS: fmean(turns)} if turns else {}
        overall = fmean(by_category.values())
    else:
        overall = fmean(map(score_of, records))
    return round(100 * overall, 4), {key(name, c): round(100 * value, 4) for c, value in by_category.items() if c}


def score_of(record: Record) -> float:
    """Take the score as lmms-eval reads VSI-Bench where a record has it, else the score."""
    return record.metrics.get("vsibench_lmms_eval", record.score)


def key(benchmark: str, category: str) -> str:
    """Name the score of a category as EASI does."""
    slug = re.sub(r"[^a-z0-9]+", "_", category.lower()).strip("_")
    for long, short in _NAMES:
        slug = slug.replace(long, short)
    return slug if benchmark == "blink" or slug in MRA_TYPES else slug + ACCURACY
