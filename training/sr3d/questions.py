"""Supervised samples: a clip, its regions, and several questions that share its visual tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol, runtime_checkable

import torch
from torch.utils.data import Dataset

from models.regions import Region, tight_box
from models.sr3d.inputs.processor import SR3DProcessor
from models.sr3d.inputs.sample import Sample
from models.sr3d.text.mentions import renumber
from scenes import Clip
from scenes.questions import Question, ask_about, ask_about_patches, region_of


@runtime_checkable
class Clips(Protocol):
    """Indexed clips: a list, or a store on disk."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Clip: ...


class RegionQuestions(Dataset[Sample]):
    """Clips with questions, answers and regions, prepared for packed training (one sample per clip).

    With probability `surface_box_prob`, the questions are about boxes on any surface instead of objects, in a random
    subset of the frames; half of these clips show noise instead of colours, so that only geometry answers them. What is
    drawn for clip i depends on (seed, i) alone. Prepared samples stay in memory for later epochs.

    Args:
        clips: the clips.
        processor: prepares the samples.
        categories: question categories.
        per_clip: number of questions per clip.
        seed: seed of questions, regions and marks.
        box_probability: see `augment_region`.
        partial_marking_prob: see `augment_region`.
        surface_box_prob: probability of questions about surface boxes.
    """

    def __init__(
        self,
        clips: Clips,
        processor: SR3DProcessor,
        *,
        categories: Sequence[str],
        per_clip: int,
        seed: int,
        box_probability: float = 0.5,
        partial_marking_prob: float = 0.5,
        surface_box_prob: float = 0.0,
    ) -> None:
        self.clips = clips
        self.processor = processor
        self.categories = list(categories)
        self.per_clip = per_clip
        self.seed = seed
        self.box_probability = box_probability
        self.partial_marking_prob = partial_marking_prob
        self.surface_box_prob = surface_box_prob
        self._prepared: dict[int, Sample] = {}

    def __len__(self) -> int:
        return len(self.clips)

    def __getitem__(self, index: int) -> Sample:
        if index not in self._prepared:
            self._prepared[index] = self._prepare(index)
        return self._prepared[index]

    def _prepare(self, index: int) -> Sample:
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + index)
        clip = self.clips[index]
        if float(torch.rand((), generator=generator)) < self.surface_box_prob:
            clip, questions, regions = self._about_patches(clip, generator)
        else:
            questions, regions = self._about_objects(clip, generator)
        return self.processor.prepare(
            video=clip.video,
            points=clip.points(),
            world_T_cam=clip.world_T_cam,
            seconds=clip.seconds,
            regions=regions,
            questions=[renumber(question.text, question.objects) for question in questions],
            answers=[question.spoken for question in questions],
        )

    def _about_objects(self, clip: Clip, generator: torch.Generator) -> tuple[list[Question], list[Region]]:
        questions = ask_about(clip, generator, categories=self.categories, total=self.per_clip)
        objects = sorted({o for question in questions for o in question.objects})
        regions = [
            augment_region(region_of(clip, o), generator, self.box_probability, self.partial_marking_prob)
            for o in objects
        ]
        return [replace(q, objects=tuple(objects.index(o) for o in q.objects)) for q in questions], regions

    def _about_patches(self, clip: Clip, generator: torch.Generator) -> tuple[Clip, list[Question], list[Region]]:
        frames = int(torch.randint(1, len(clip) + 1, (), generator=generator))
        clip = clip.frames(sorted(torch.randperm(len(clip), generator=generator)[:frames].tolist()))
        if float(torch.rand((), generator=generator)) < 0.5:
            clip = replace(clip, video=torch.randint_like(clip.video, 256, generator=generator))
        return clip, *ask_about_patches(clip, generator, categories=self.categories, total=self.per_clip)


def augment_region(
    region: Region, generator: torch.Generator, box_probability: float, partial_marking_prob: float
) -> Region:
    """Imitate how people mark a region: by segmentation or box, on all frames or some (SR-3D section 3.2).

    With `box_probability`, every mask becomes its bounding box. With `partial_marking_prob`, only k ~ U{1..n} of the n
    frames that show the region are marked.
    """
    as_box, partial = (
        torch.rand(2, generator=generator) < torch.tensor([box_probability, partial_marking_prob])
    ).tolist()
    masks = dict(region.masks)
    if partial:
        count = int(torch.randint(1, len(masks) + 1, (), generator=generator))
        frames = sorted(masks)
        chosen = torch.randperm(len(frames), generator=generator)[:count].tolist()
        masks = {frames[i]: masks[frames[i]] for i in sorted(chosen)}
    if as_box:
        masks = {frame: bounding_box(mask) for frame, mask in masks.items()}
    return Region(masks, region.name)


def bounding_box(mask: torch.Tensor) -> torch.Tensor:
    """Fill the bounding box of a mask; an empty mask stays empty."""
    filled = torch.zeros_like(mask)
    if mask.any():
        left, top, right, bottom = map(int, tight_box(mask))
        filled[top:bottom, left:right] = True
    return filled
