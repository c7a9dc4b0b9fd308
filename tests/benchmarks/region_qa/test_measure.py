from __future__ import annotations

import gc
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.records.manifest import Manifest
from benchmarks.records.parts import Parts, Shard
from benchmarks.records.record import RECORDS, read_records
from benchmarks.region_qa.measure import answer_shard, ask_item, batches, predict
from benchmarks.region_qa.tasks.media import BoxMark, Opener
from scenes.clip import Clip
from tests.support.blank_benchmark import BlankTask, HalfRight

RUN = Manifest({}, "abc", "a machine", {}, "", "2026-01-01")


def answered(folder: Path, *shards: Shard, task: BlankTask | None = None, model: HalfRight | None = None) -> bytes:
    """Answer in these shards, merge, and give the records as they are in the file."""
    parts = Parts(folder)
    parts.begin(RUN)
    for shard in shards:
        count = answer_shard(task or BlankTask(5), lambda: model or HalfRight(), parts, shard, arm="half", batch_size=3)
    assert parts.merge(count, RUN)
    return (folder / RECORDS).read_bytes()


def test_shards_ask_the_batches_of_one_process_and_write_its_bytes(tmp_path: Path) -> None:
    alone, together = HalfRight(), HalfRight()
    whole = answered(tmp_path / "one", Shard(), model=alone)
    assert answered(tmp_path / "three", *(Shard(k, 3) for k in range(3)), model=together) == whole
    assert sorted(together.batches) == sorted(alone.batches)
    assert [len(batch) for batch in alone.batches] == [3, 3, 3, 1]
    assert [record.score for record in read_records(tmp_path / "one")] == [1.0, 0.0] * 5  # in the order of the items


def test_a_process_that_is_stopped_loses_one_batch_and_the_rest_is_not_asked_again(tmp_path: Path) -> None:
    class Stopping(HalfRight):
        def answer(self, *arguments: object, **named: object) -> object:  # type: ignore[override]
            if len(self.batches) == 2:
                raise InterruptedError
            return super().answer(*arguments, **named)  # type: ignore[arg-type]

    parts, again = Parts(tmp_path / "stopped"), HalfRight()
    parts.begin(RUN)
    with pytest.raises(InterruptedError):
        answer_shard(BlankTask(5), Stopping, parts, Shard(), arm="half", batch_size=3)
    assert parts.answered() == {0, 1}
    assert answered(tmp_path / "stopped", Shard(), model=again) == answered(tmp_path / "whole", Shard())
    assert len(again.batches) == 2


def test_a_clip_is_read_when_its_batch_is_asked_and_no_model_is_opened_for_what_is_done(tmp_path: Path) -> None:
    task = BlankTask(5)
    answered(tmp_path, Shard(), task=task)
    assert task.reads == [0, 1, 2, 3, 4]  # once each, though batches of three cut through pairs

    def none() -> HalfRight:
        raise AssertionError("all is answered")

    parts = Parts(tmp_path)
    parts.begin(RUN)
    answer_shard(task, HalfRight, parts, Shard(), arm="half", batch_size=3)
    task.reads.clear()
    assert answer_shard(task, none, parts, Shard(), arm="half", batch_size=3) == 4
    assert task.reads == []


def test_the_clips_of_one_batch_are_in_memory_however_many_items_there_are() -> None:
    alive = []
    for _ in predict(HalfRight(), BlankTask(200).items(), batch_size=8):
        alive.append(sum(type(each) is Clip for each in gc.get_objects()) if len(alive) % 64 == 0 else alive[-1])
    assert max(alive) <= alive[0] + 2
    assert len(alive) == 400


def test_a_limit_asks_the_first_items(tmp_path: Path) -> None:
    parts = Parts(tmp_path)
    parts.begin(RUN)
    counted: list[int] = []
    count = answer_shard(
        BlankTask(5), HalfRight, parts, Shard(), arm="half", batch_size=3, limit=4, answered=counted.append
    )
    assert (count, counted) == (2, [3, 1])
    assert [record.item for record in parts.records()] == ["0/a", "0/b", "1/a", "1/b"]


def test_a_stream_is_cut_into_batches() -> None:
    item = next(BlankTask(1).items())
    assert [len(batch) for batch in batches([item] * 7, 3)] == [3, 3, 1]
    assert list(batches([], 3)) == []


def test_an_item_whose_mark_marks_nothing_is_named() -> None:
    item = replace(next(iter(BlankTask(1).items())), marks=[BoxMark((20, 20, 30, 30))])
    with pytest.raises(ValueError, match=r"item 0/a: box 20,20,30,30 lies outside the image"):
        ask_item(item, Opener())
