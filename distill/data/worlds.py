"""Questions about worlds, with a teacher's targets for each clip."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch.utils.data import Dataset

from distill.data.samples import TaughtSamples, collate_taught
from distill.signals import RENDERED
from distill.target_cache import TargetCache
from distill.teachers.teacher import Teacher
from training.sampler import one_cycle
from training.sr3d.finetuning import WorldQuestions


class TaughtWorldQuestions(WorldQuestions):
    """`WorldQuestions` whose batches carry `targets`; the cache is filled before training.

    With `with_targets=False` the worlds are the same and have no targets: for arms without distillation, which need no
    teacher. With `permuted` every clip gets the targets of another one: a control with the same loss and cost, and no
    information about the clip.
    """

    def __init__(
        self,
        *,
        teacher: Teacher | None,
        with_targets: bool = True,
        permuted: bool = False,
        targets: str = "outputs/targets",
        **options: Any,
    ) -> None:
        super().__init__(**options, signals=RENDERED)
        self.permuted = permuted
        self.cache: TargetCache | None = None
        if not with_targets:
            return
        if teacher is None:
            raise ValueError("data.with_targets=true needs a teacher: choose one, e.g. teacher=expert4d_tiny")
        if self.surface_box_prob:
            raise ValueError("surface_box_prob drops frames and colours that the teacher has seen: set it to 0")
        if teacher.spec.frames != self.store.config.frames:
            raise ValueError(
                f"the teacher takes clips of {teacher.spec.frames} frames, the worlds have {self.store.config.frames}"
            )
        seeds = self.store.seeds
        self.cache = TargetCache(teacher, self.store, f"{self.store.key}-{seeds.start}-{seeds.stop}", targets)

    def prepare_data(self) -> None:
        """Render missing worlds, and compute missing targets."""
        super().prepare_data()
        if self.cache is not None:
            self.cache.fill("cuda" if torch.cuda.is_available() else "cpu")

    def dataset(self) -> Dataset[Any]:
        """Pair samples and targets."""
        if self.cache is None:
            return super().dataset()
        count = len(self.store)
        order = one_cycle(count, self.seed) if self.permuted else range(count)
        return TaughtSamples(super().dataset(), self.cache, order)

    def collator(self) -> Callable[[Sequence[Any]], Mapping[str, Any]]:
        """Return the function that batches samples and stacks their targets."""
        return super().collator() if self.cache is None else partial(collate_taught, super().collator())
