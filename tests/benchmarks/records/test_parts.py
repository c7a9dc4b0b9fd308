from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.records.manifest import MANIFEST, Manifest
from benchmarks.records.parts import Parts, Shard, append
from benchmarks.records.record import Record, read_records

RUN = Manifest({"task": "t", "seeds": (0, 1)}, "abc", "a machine", {}, "f00d", "2026-01-01")


def batch(number: int, size: int = 2) -> list[Record]:
    return [Record("t", f"{number}/{k}", "c", "arm", 0, {"score": 1.0}, prediction="Ä\n") for k in range(size)]


def write(folder: Path, shard: Shard, *numbers: int) -> None:
    with Parts(folder).writing(shard) as file:
        for number in numbers:
            append(file, number, batch(number))


def test_shards_share_the_batches_and_leave_none_out() -> None:
    shards = [Shard(index, 3) for index in range(3)]
    assert all(sum(shard.takes(number) for shard in shards) == 1 for number in range(20))
    with pytest.raises(ValueError, match=r"shard.index=3 of shard.count=3"):
        Shard(3, 3)


def test_parts_merge_in_the_order_of_the_batches_once_all_are_there(tmp_path: Path) -> None:
    parts = Parts(tmp_path)
    parts.begin(RUN)
    write(tmp_path, Shard(1, 2), 1, 3)
    write(tmp_path, Shard(0, 2), 0)
    assert not parts.merge(4, RUN)
    write(tmp_path, Shard(0, 2), 2)
    assert parts.answered() == {0, 1, 2, 3}
    assert parts.merge(4, RUN)
    assert read_records(tmp_path) == [record for number in range(4) for record in batch(number)]
    assert sorted(path.name for path in tmp_path.iterdir()) == [MANIFEST, "records.jsonl"]
    assert parts.merge(4, RUN)  # another shard did it


def test_a_batch_that_was_cut_is_answered_again(tmp_path: Path) -> None:
    parts = Parts(tmp_path)
    parts.begin(RUN)
    write(tmp_path, Shard(), 0, 1)
    (path,) = parts.folder.glob("*.jsonl")
    path.write_bytes(path.read_bytes()[:-9])  # as of a process that was killed while it wrote
    assert parts.answered() == {0}
    write(tmp_path, Shard(), 1)
    assert parts.answered() == {0, 1}
    assert parts.merge(2, RUN)
    assert read_records(tmp_path) == [*batch(0), *batch(1)]


def test_batches_of_other_shards_count_whatever_their_number_was(tmp_path: Path) -> None:
    Parts(tmp_path).begin(RUN)
    write(tmp_path, Shard(0, 2), 0, 2)
    write(tmp_path, Shard(), 1, 2)
    assert Parts(tmp_path).merge(3, RUN)
    assert len(read_records(tmp_path)) == 6


def test_a_run_goes_on_and_another_configuration_or_checkpoint_is_refused(tmp_path: Path) -> None:
    parts = Parts(tmp_path)
    parts.begin(RUN)
    later = Manifest(RUN.config, "def", "a machine", {}, "f00d", "2026-01-02")
    assert (parts.begin(later).commit, parts.begin(later).time) == ("abc", "2026-01-01")
    for other in (Manifest({"task": "u"}, "", "", {}, "f00d", ""), Manifest(RUN.config, "", "", {}, "beef", "")):
        with pytest.raises(ValueError, match="another configuration or checkpoint"):
            parts.begin(other)


def test_two_processes_cannot_answer_one_shard(tmp_path: Path) -> None:
    Parts(tmp_path).begin(RUN)
    with (
        Parts(tmp_path).writing(Shard()),
        pytest.raises(ValueError, match="another process answers shard 0 of 1"),
        Parts(tmp_path).writing(Shard()),
    ):
        pass
