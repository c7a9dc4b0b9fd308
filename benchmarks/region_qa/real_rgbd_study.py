"""Zero-shot on a real room: models trained on worlds, chance, a heuristic, and noise instead of RGB, side by side.

    python -m benchmarks.region_qa.real_rgbd_study ROOM [--multi-view]

Writes every answer and a table to results/real_rgbd/.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from benchmarks.records.manifest import collect_manifest
from benchmarks.records.record import Record, write_records
from benchmarks.region_qa.real_rgbd import lower_is_nearer
from benchmarks.region_qa.scores import NumericError, Score, constant_score, mean_score, numeric_errors
from benchmarks.region_qa.scoring import score_items
from benchmarks.region_qa.tasks.real_rgbd import RealRgbdTask
from benchmarks.report.page import provenance
from models.sr3d.answering import Answerer, Query
from scenes.storage.atomic import write_text

CATEGORIES = ("nearer_camera", "nearer_region", "higher", "distance")
READ_OUT = """
What this shows is **geometry read-out**, not recognition: the label and the 3D position encoding come from the same
depth sensor, and the arm with noise instead of RGB shows how much is left without any picture. All items come from one
room and {frames} neighbouring frames: they are dependent, and the intervals (bootstrap over items) are too narrow
for any claim about other rooms. The constant is the best single answer, chosen on these items.
"""


def real_rgbd_study(
    room: Annotated[Path, typer.Argument(help="RGB-D folder")],
    deep: Annotated[Path, typer.Option("--3d", help="3D checkpoint")] = Path("sr3d_tiny_3d"),
    flat: Annotated[Path, typer.Option("--2d", help="2D checkpoint")] = Path("sr3d_tiny_2d"),
    count: Annotated[int, typer.Option(help="items of each category")] = 400,
    multi_view: Annotated[bool, typer.Option(help="regions on any frames of one clip")] = False,
    output: Annotated[Path, typer.Option(help="folder for records and table")] = Path("results/real_rgbd"),
) -> None:
    """Score both checkpoints, the heuristic and the noise control on the same items."""
    folder = output / ("multi_view" if multi_view else "single_view")
    records: list[Record] = []
    for arm, checkpoint, noise in (("3D", deep, False), ("2D", flat, False), ("3D on noise", deep, True)):
        task = RealRgbdTask(
            name=room.name,
            folder=str(room),
            count=count,
            categories=CATEGORIES,
            multi_view=multi_view,
            noise=noise,
        )
        items = task.items()
        queries = [Query(item.clip, item.regions, item.question.text) for item in items]
        predictions = list(Answerer.from_folder(checkpoint).answer(queries))
        records += score_items(task.name, items, predictions, arm, seed=0)
    nearer = [item for item in items if item.question.category == "nearer_camera"]
    records += score_items(room.name, nearer, [lower_is_nearer(item) for item in nearer], "lower is nearer", seed=0)
    command = shlex.join(["python", "-m", "benchmarks.region_qa.real_rgbd_study", f"ROOM/{room.name}", *sys.argv[2:]])
    frames = len({record.cluster for record in records}) if not multi_view else len(items[0].clip)
    manifest = collect_manifest({"command": command, "room": room.name, "count": count}, deep)
    write_records(folder, records, manifest)
    lines = [
        f"# Zero-shot on a real room: {room.name}, {'multi' if multi_view else 'single'} view",
        "",
        *table(records),
    ]
    lines += [READ_OUT.format(frames=frames), *(f"- {key}: {value}" for key, value in provenance(manifest))]
    write_text(folder / "table.md", "\n".join(lines) + "\n")
    typer.echo((folder / "table.md").read_text())


def table(records: Sequence[Record]) -> list[str]:
    """Lay out the score of every arm by category, and the errors of distances."""
    arms = list(dict.fromkeys(record.arm for record in records))
    lines = ["| category | items | constant | " + " | ".join(arms) + " |", "|" + " --- |" * (3 + len(arms))]
    for category in CATEGORIES:
        groups = [[r for r in records if r.arm == arm and r.category == category] for arm in arms]
        cells = [Score(mean_score(single_clusters(g))).text() if g else "" for g in groups]
        lines.append(f"| {category} | {len(groups[0])} | {constant_score(groups[0]):.3f} | {' | '.join(cells)} |")
    errors = [e for e in numeric_errors(records) if e.arm in arms]
    best = constant_error([r for r in records if r.arm == arms[0] and r.category == "distance"])
    return [
        *lines,
        "",
        "| distance in metres | median relative error | mean abs. log error |",
        "| --- | --- | --- |",
    ] + [f"| {e.arm} | {e.median_relative:.1%} | {e.mean_log:.3f} |" for e in [*errors, best]]


def single_clusters(records: Sequence[Record]) -> list[Record]:
    """Make every item its own cluster: one room has too few frames to resample them."""
    return [Record(**{**vars(record), "cluster": record.item}) for record in records]


def constant_error(records: Sequence[Record]) -> NumericError:
    """Measure the best constant: the median of the truths in logarithms, chosen on these items."""
    truth = np.array([record.value for record in records], dtype=np.float64)
    guess = float(np.exp(np.median(np.log(truth))))
    relative, logarithmic = np.abs(guess - truth) / truth, np.abs(np.log(guess / truth))
    return NumericError("distance", "median of the truths", float(np.median(relative)), float(logarithmic.mean()), 0.0)


if __name__ == "__main__":
    typer.run(real_rgbd_study)
