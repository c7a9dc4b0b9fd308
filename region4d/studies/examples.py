"""Questions of a study, drawn with their regions and the answers of all arms."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path
from random import Random

from benchmarks.records.record import Record
from benchmarks.region_qa.study import Example
from benchmarks.region_qa.tasks.task import Item
from models.regions.drawing import draw_regions
from scenes.drawing.data_url import jpeg_url
from scenes.drawing.regions import contact_sheet


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
