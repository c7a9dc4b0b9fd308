"""Targets on disk: what was stored comes back, several processes share the work, an interrupted fill resumes."""

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from distill import target_cache
from distill.data import TaughtWorldQuestions
from distill.target_cache import TargetCache
from distill.teachers import Expert4D, Oracle
from scenes.clip import Clip
from tests.support.distillation import FRAMES, SIZE, WORLD, build_expert, build_student
from tests.support.programs.processes import CONTEXT, process


@pytest.fixture(autouse=True)
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(target_cache, "SHARD", 2)


def test_cached_targets_are_those_of_the_teacher(expert: Expert4D, clips: list[Clip], tmp_path: Path) -> None:
    cache = TargetCache(expert, clips, "few", tmp_path)
    cache.fill()
    for index in (0, 5):
        fresh, stored = expert.targets(clips[index]), cache[index]
        assert fresh.latents is not None
        assert stored.latents is not None
        torch.testing.assert_close(stored.latents, fresh.latents, atol=2e-3, rtol=2e-3)  # kept in float16
        for name, value in fresh.signals.values.items():
            torch.testing.assert_close(stored.signals.values[name], value, atol=2e-3, rtol=2e-3)
            assert torch.equal(stored.signals.valid[name], fresh.signals.valid[name])


def test_an_oracle_is_cached_without_latents(clips: list[Clip], tmp_path: Path) -> None:
    cache = TargetCache(Oracle(FRAMES, SIZE, 4), clips, "few", tmp_path)
    cache.fill()
    assert cache[3].latents is None
    assert set(cache[3].signals.values) == {"depth", "flow", "motion", "rays"}


def test_another_teacher_gets_another_folder_and_a_file_of_its_own_is_refused(
    expert: Expert4D, clips: list[Clip], tmp_path: Path
) -> None:
    one, other = TargetCache(expert, clips, "few", tmp_path), TargetCache(build_expert(1), clips, "few", tmp_path)
    assert one.folder != other.folder
    one.fill()
    other.folder.mkdir()
    for file in one.folder.glob("*.safetensors"):
        (other.folder / file.name).write_bytes(file.read_bytes())
    with pytest.raises(ValueError, match=r"holds .*/0, not .*/0: call TargetCache\.fill\(\) again"):
        other[0]


def test_other_clips_get_another_folder_and_a_shorter_list_is_not_taken_for_a_longer_one(
    expert: Expert4D, tmp_path: Path
) -> None:
    def data(first: int, last: int) -> TaughtWorldQuestions:
        return TaughtWorldQuestions(
            teacher=expert,
            processor=build_student()[1],
            world=WORLD,
            seeds=(first, last),
            categories=("distance",),
            questions_per_clip=1,
            batch_size=2,
            seed=0,
            stores=str(tmp_path),
            targets=str(tmp_path),
        )

    folders = [data(*seeds).cache.folder for seeds in ((0, 3), (0, 6), (3, 6))]
    assert len(set(folders)) == 3


def test_targets_that_do_not_fit_float16_are_refused() -> None:
    with pytest.raises(ValueError, match="do not fit float16"):
        target_cache.to_half(torch.tensor([1.0, 1e6]))


def test_targets_that_were_not_made_yet_say_so(expert: Expert4D, clips: list[Clip], tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"call TargetCache\.fill\(\) first"):
        TargetCache(expert, clips, "few", tmp_path)[0]


def test_a_damaged_shard_is_made_again_and_whole_ones_are_kept(
    expert: Expert4D, clips: list[Clip], tmp_path: Path
) -> None:
    cache = TargetCache(expert, clips, "few", tmp_path)
    cache.fill()
    first, second, _ = sorted(cache.folder.glob("*.safetensors"))
    whole, kept = first.read_bytes(), second.stat().st_mtime_ns
    first.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="is damaged"):
        cache[0]
    cache.fill()
    assert first.read_bytes() == whole
    assert second.stat().st_mtime_ns == kept


class Slow(Oracle):
    """An oracle that takes its time, and counts itself on disk."""

    def __init__(self, log: Path) -> None:
        super().__init__(FRAMES, SIZE, 4)
        self.log = log

    def targets(self, clip: Clip):  # type: ignore[no-untyped-def]
        time.sleep(0.05)
        with self.log.open("a") as file:
            file.write(f"{os.getpid()}\n")
        return super().targets(clip)


def fill_in_process(clips: list[Clip], log: Path, root: Path, start: Any) -> None:
    target_cache.SHARD = 2
    start.wait()  # for whoever else takes part
    TargetCache(Slow(log), clips, "few", root).fill()


def test_two_processes_share_the_work_and_a_killed_one_is_replaced(clips: list[Clip], tmp_path: Path) -> None:
    many = [clips[i % len(clips)] for i in range(12)]
    log, root = tmp_path / "log", tmp_path / "targets"
    alone = CONTEXT.Barrier(1)
    first = process(fill_in_process, many, log, root, alone)
    first.start()
    while not log.is_file():
        assert first.is_alive()
        time.sleep(0.01)
    assert first.pid is not None
    os.kill(first.pid, signal.SIGKILL)  # in the middle of a shard
    first.join()
    together = CONTEXT.Barrier(2)
    workers = [process(fill_in_process, many, log, root, together) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(300)
        assert worker.exitcode == 0
    made = log.read_text().split()
    by_worker = [made.count(str(worker.pid)) for worker in workers]
    assert min(by_worker) > 0
    assert sum(by_worker) <= 12  # no clip twice
    cache = TargetCache(Slow(log), many, "few", root)
    whole = TargetCache(Oracle(FRAMES, SIZE, 4), many, "few", tmp_path / "alone")
    whole.fill()
    for index in range(12):
        for name, value in whole[index].signals.values.items():
            assert torch.equal(cache[index].signals.values[name], value)
