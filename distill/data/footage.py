"""Footage of one's own, with a teacher's targets for its videos."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import torch

from distill.data.footage_targets import FootageTargets, media_stamp
from distill.data.missing_targets import ShownLines, fill
from distill.data.samples import collate_taught
from distill.teachers.teacher import Targets, Teacher
from models.sr3d.inputs.sample import Sample
from training.annotations.samples import AnnotatedFootage, AnnotatedSamples


class TaughtFootage(AnnotatedFootage):
    """`AnnotatedFootage` whose batches carry `targets` for the clips that the teacher takes.

    The targets are computed before training and kept (`FootageTargets`); every process of a training takes a share.
    A line of text, of a single picture or of another number of frames has none and trains the answers alone. How many
    lines have which is printed.

    Args:
        teacher: makes targets of frames; None without `with_targets`.
        with_targets: False for arms without distillation, which see the same samples and need no teacher.
        targets: folder of all targets.
        **options: of `AnnotatedFootage`; `frames` must be those of the teacher.

    Raises:
        ValueError: there is no teacher, or it does not take this footage.
    """

    def __init__(
        self, *, teacher: Teacher | None, with_targets: bool = True, targets: str = "outputs/targets", **options: Any
    ) -> None:
        super().__init__(**options)
        self.targets: FootageTargets | None = None
        if not with_targets:
            return
        if teacher is None:
            raise ValueError("data.with_targets=true needs a teacher: choose one, e.g. teacher=expert4d_tiny")
        if teacher.spec.sees_truth:
            raise ValueError(
                "this teacher needs the truth of procedural worlds, which footage lacks: choose teacher=expert4d_tiny, "
                "l4p or stock"
            )
        if teacher.spec.frames != self.frames:
            raise ValueError(
                f"the teacher takes clips of {teacher.spec.frames} frames, and data.frames is {self.frames}: set "
                f"data.frames={teacher.spec.frames}, or choose another teacher"
            )
        self.targets = FootageTargets(teacher, targets)

    def setup(self, stage: str) -> None:
        """Compute missing targets on the device of this process, and print which lines have some."""
        if self.targets is None or stage != "fit":
            return
        lines = ShownLines(super().dataset(), self.targets)
        if self.trainer is None:
            rank, without = 0, fill(lines, torch.device("cpu"), self.workers)
        else:
            rank, device = self.trainer.global_rank, self.trainer.strategy.root_device
            without = fill(lines, device, self.workers, rank, self.trainer.world_size)
        taught = len(lines) - without.total()
        reasons = ", ".join(f"{count} {reason}" for reason, count in without.most_common())
        frames = self.targets.teacher.spec.frames
        if not taught:
            raise ValueError(
                f"no line has a target for distillation ({reasons}); the teacher takes clips of {frames} frames: give "
                "videos, or choose an arm without distillation, such as arm=2d_tpe"
            )
        if rank == 0:
            alone = f"; the others train answers alone: {reasons}" if without else ""
            print(f"distillation: {taught} of {len(lines)} lines are clips of {frames} frames with targets{alone}")

    def dataset(self) -> AnnotatedSamples:
        """Build the samples, which are read on use, with their targets."""
        if self.targets is None:
            return super().dataset()
        return TaughtLines(super().dataset(), self.targets)

    def collator(self) -> Callable[[Sequence[Any]], Mapping[str, Any]]:
        """Return the function that packs the samples of a batch and stacks their targets."""
        return super().collator() if self.targets is None else partial(collate_taught, super().collator())


class TaughtLines(AnnotatedSamples):
    """Lines as samples, each with its targets or None."""

    def __init__(self, samples: AnnotatedSamples, targets: FootageTargets) -> None:
        super().__init__(samples.files, samples.processor, samples.frames)
        self.targets = targets

    def __getitem__(self, index: int) -> tuple[Sample, Targets | None]:
        """Prepare a line and read its targets; ValueError names file and line."""
        sample, clip = self.read(index)
        if clip is None or len(clip) != self.targets.teacher.spec.frames:
            return sample, None
        file, line = self.find(index)
        with file.naming(line):
            try:
                return sample, self.targets.of(clip)
            except FileNotFoundError:
                media = file[line].media
                assert media is not None
                self.targets.forget(media_stamp(media, file.path.parent, self.frames))
                raise
