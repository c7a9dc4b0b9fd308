"""Several processes that compute missing targets."""

from __future__ import annotations

import threading
import time
from collections import Counter
from pathlib import Path

import pytest
import torch
from filelock import FileLock

from distill.data.footage_targets import FootageTargets, frames_digest
from distill.data.missing_targets import ShownLines, fill
from distill.teachers import Expert4D, Targets
from scenes.clip import Clip
from tests.support.distillation import build_student
from tests.support.drafts import dead_draft
from training.annotations.files import AnnotationFile
from training.annotations.samples import AnnotatedSamples


def test_two_that_fill_at_once_share_the_work_and_both_return_when_all_is_there(
    expert: Expert4D, annotated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: Counter[str] = Counter()
    compute = Expert4D.targets

    def slow(self: Expert4D, clip: Clip) -> Targets:
        made[frames_digest(clip.video)] += 1
        time.sleep(0.05)
        return compute(self, clip)

    monkeypatch.setattr(Expert4D, "targets", slow)
    samples = AnnotatedSamples([AnnotationFile(annotated)], build_student()[1], 4)
    found: list[bool] = []

    def work(rank: int) -> None:
        targets = FootageTargets(expert, tmp_path / "targets")
        lines = ShownLines(samples, targets)
        without = fill(lines, torch.device("cpu"), 0, rank, 2)
        found.append(without.total() == 4 and all(lines[k].clip is None for k in range(len(lines))))

    threads = [threading.Thread(target=work, args=(rank,)) for rank in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert found == [True, True]
    assert sorted(made.values()) == [1, 1, 1]  # four lines, of which two show the same


def test_a_clip_that_another_process_is_at_is_left_to_it_and_a_killed_ones_draft_is_removed(
    expert: Expert4D, clips: list[Clip], tmp_path: Path
) -> None:
    targets, digest = FootageTargets(expert, tmp_path), frames_digest(clips[0].video)
    folder = targets.folder / digest[:2]
    folder.mkdir(parents=True)
    dead_draft(folder / f"{digest}.safetensors").touch()
    with FileLock(folder / f"{digest}.lock"):
        assert not targets.make(clips[0], digest)
    assert not targets.has(digest)
    assert targets.make(clips[0], digest)
    assert sorted(path.name for path in folder.iterdir()) == [f"{digest}.safetensors"]
    whole = targets.of(clips[0])
    (folder / f"{digest}.safetensors").write_bytes(b"cut")
    assert not targets.has(digest)
    with pytest.raises(ValueError, match="is damaged"):
        targets.of(clips[0])
    targets.make(clips[0], digest)
    assert torch.equal(targets.of(clips[0]).latents, whole.latents)  # type: ignore[arg-type]
