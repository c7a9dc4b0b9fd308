"""Targets on disk: what was stored comes back, several processes share the work, an interrupted fill resumes."""

import multiprocessing
import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from distill import target_cache
from distill.target_cache import TargetCache
from distill.teachers import Expert4D, Oracle
from scenes.clip import Clip
from tests.distill.conftest import FRAMES, SIZE, build_expert


class Few(Sequence[Clip]):
    """Clips in memory, with a key."""

    key = "few"

    def __init__(self, clips: Sequence[Clip]) -> None:
        self.clips = clips

    def __len__(self) -> int:
        return len(self.clips)

    def __getitem__(self, index: int) -> Clip:  # type: ignore[override]
        return self.clips[index]


@pytest.fixture(autouse=True)
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(target_cache, "SHARD", 2)


def test_cached_targets_are_those_of_the_teacher(expert: Expert4D, clips: list[Clip], tmp_path: Path) -> None:
    cache = TargetCache(expert, Few(clips), tmp_path)
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
    cache = TargetCache(Oracle(FRAMES, SIZE, 4), Few(clips), tmp_path)
    cache.fill()
    assert cache[3].latents is None
    assert set(cache[3].signals.values) == {"depth", "flow", "motion", "rays"}


def test_another_teacher_gets_another_folder_and_a_file_of_its_own_is_refused(
    expert: Expert4D, clips: list[Clip], tmp_path: Path
) -> None:
    one, other = TargetCache(expert, Few(clips), tmp_path), TargetCache(build_expert(1), Few(clips), tmp_path)
    assert one.folder != other.folder
    one.fill()
    other.folder.mkdir()
    for file in one.folder.glob("*.safetensors"):
        (other.folder / file.name).write_bytes(file.read_bytes())
    with pytest.raises(ValueError, match="holds targets"):
        other[0]


def test_targets_that_were_not_made_yet_say_so(expert: Expert4D, clips: list[Clip], tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="fill the target cache first"):
        TargetCache(expert, Few(clips), tmp_path)[0]


def test_a_damaged_shard_is_made_again_and_whole_ones_are_kept(
    expert: Expert4D, clips: list[Clip], tmp_path: Path
) -> None:
    cache = TargetCache(expert, Few(clips), tmp_path)
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


def fill_in_process(clips: list[Clip], log: Path, root: Path) -> None:
    target_cache.SHARD = 2
    TargetCache(Slow(log), Few(clips), root).fill()


def test_two_processes_share_the_work_and_a_killed_one_is_replaced(clips: list[Clip], tmp_path: Path) -> None:
    many = [clips[i % len(clips)] for i in range(12)]
    log, root = tmp_path / "log", tmp_path / "targets"
    context = multiprocessing.get_context("spawn")
    first = context.Process(target=fill_in_process, args=(many, log, root))
    first.start()
    while not log.is_file():
        time.sleep(0.01)
    assert first.pid is not None
    os.kill(first.pid, signal.SIGKILL)  # in the middle of a shard
    first.join()
    workers = [context.Process(target=fill_in_process, args=(many, log, root)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    made = log.read_text().split()
    by_worker = [made.count(str(worker.pid)) for worker in workers]
    assert min(by_worker) > 0
    assert sum(by_worker) <= 12  # no clip twice
    cache = TargetCache(Slow(log), Few(many), root)
    alone = TargetCache(Oracle(FRAMES, SIZE, 4), Few(many), tmp_path / "alone")
    alone.fill()
    for index in range(12):
        for name, value in alone[index].signals.values.items():
            assert torch.equal(cache[index].signals.values[name], value)
