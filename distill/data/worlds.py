"""Questions about worlds, with a teacher's targets for each clip."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.utils.data import Dataset

from distill.data.samples import PartlyAnswered, TaughtSamples, collate_taught
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

    With `labelled`, only the first clips have answers; the others serve distillation alone, and do nothing in an arm
    without it. Clips with answers are a `labelled_share` of every epoch, so that few of them are shown more often.

    Raises:
        ValueError: an option is out of its range, a teacher is missing, or its clips have another length.
    """

    def __init__(
        self,
        *,
        teacher: Teacher | None,
        with_targets: bool = True,
        permuted: bool = False,
        targets: str = "outputs/targets",
        labelled: int | None = None,
        labelled_share: float = 0.5,
        **options: Any,
    ) -> None:
        super().__init__(**options, signals=RENDERED)
        self.permuted = permuted
        count = len(self.store)
        if labelled is not None and not (0 < labelled < count and 0 < labelled_share < 1):
            raise ValueError(
                f"data.labelled={labelled} and data.labelled_share={labelled_share}: give from 1 to {count - 1} of "
                f"{count} clips, and a share between 0 and 1, or labelled=null, with which all clips have answers"
            )
        self.labelled, self.labelled_share = labelled, labelled_share
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
        samples = super().dataset()
        if self.labelled is not None:
            samples = PartlyAnswered(samples, self.labelled)
        if self.cache is None:
            return samples
        count = len(self.store)
        order = one_cycle(count, self.seed) if self.permuted else range(count)
        return TaughtSamples(samples, self.cache, order)

    def weights(self) -> Float[Tensor, "clip"] | None:
        """Weigh clips with answers so that they are their share of an epoch."""
        if self.labelled is None:
            return None
        others = len(self.store) - self.labelled
        shares = torch.tensor([self.labelled_share / self.labelled, (1 - self.labelled_share) / others])
        return shares.repeat_interleave(torch.tensor([self.labelled, others]))

    def summary(self) -> str:
        """Describe the worlds, and how many have answers, for the model card."""
        worlds = super().summary()
        return worlds if self.labelled is None else f"{worlds}, {self.labelled} of them with answers"

    def collator(self) -> Callable[[Sequence[Any]], Mapping[str, Any]]:
        """Return the function that batches samples and stacks their targets."""
        return super().collator() if self.cache is None else partial(collate_taught, super().collator())
