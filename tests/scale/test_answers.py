"""Many questions and many records in flat memory."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from benchmarks.records.manifest import collect_manifest
from benchmarks.records.record import Record, scan_records, write_records
from models.queries.query import Query
from models.regions import Region
from models.sr3d.answering import Answerer
from scenes.clip import Clip
from tests.support.programs.measured import LINEAR, Within, measured

QUESTION = "At the start, which is nearer to the camera? (A) <region0> (B) <region1>"
FLAT = 40  # MB
pytestmark = pytest.mark.long


def answers(count: int) -> int:
    """Ask the shipped model many different questions about one clip."""
    video = torch.randint(0, 256, (4, 3, 96, 128), dtype=torch.uint8)
    masks = torch.zeros(2, 96, 128, dtype=torch.bool)
    masks[0, 10:40, 10:40] = masks[1, 50:80, 60:90] = True
    clip, regions = Clip(video, torch.arange(4.0)), [Region({0: mask}) for mask in masks]
    asked = [Query(clip, regions, QUESTION.replace("nearer", f"nearer {i}")) for i in range(count)]
    return sum(1 for _ in Answerer.from_folder("sr3d_tiny_3d", "cpu").answer(asked))


def records(folder: Path, count: int) -> int:
    """Write records and read them again, one by one."""
    made = (Record("task", f"item{i}", f"clip{i // 10}", "arm", 0, {"score": 1.0}) for i in range(count))
    write_records(folder / str(count), made, collect_manifest({}))
    return sum(1 for _ in scan_records(folder / str(count)))


def test_ten_thousand_questions_take_the_memory_of_a_thousand(within: Within) -> None:
    few, many = measured(answers, 1_000), measured(answers, 10_000)
    assert many.result == 10_000
    assert many.memory < few.memory + FLAT
    within("10,000 questions of a clip, beside 1,000", many, few, LINEAR)


def test_a_hundred_thousand_records_take_the_memory_of_ten_thousand(tmp_path: Path, within: Within) -> None:
    few, many = measured(records, tmp_path, 10_000), measured(records, tmp_path, 100_000)
    assert many.result == 100_000
    assert many.memory < few.memory + FLAT
    within("100,000 records, beside 10,000", many, few, LINEAR)
