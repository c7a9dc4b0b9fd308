"""Supervised samples: a clip, regions on it, and many questions that share its visual tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import torch
from torch.utils.data import Dataset

from models.regions import Region
from models.sr3d.mentions import renumber
from models.sr3d.processor import SR3DProcessor
from models.sr3d.sample import Sample
from scenes import Clip
from scenes.questions import ask_about, region_of


@runtime_checkable
class Clips(Protocol):
    """Clips by number: a list, or a store on disk."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Clip: ...


class RegionQuestions(Dataset[Sample]):
    """Clips with questions, answers and regions, prepared for packed training (one sample a clip).

    Questions and region augmentation of clip i depend on (seed, i) alone. Prepared samples are kept in memory, so that
    the second epoch costs nothing.
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
        few_frames_probability: float = 0.5,
    ) -> None:
        self.clips = clips
        self.processor = processor
        self.categories = list(categories)
        self.per_clip = per_clip
        self.seed = seed
        self.box_probability = box_probability
        self.few_frames_probability = few_frames_probability
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
        questions = ask_about(clip, generator, categories=self.categories, total=self.per_clip)
        objects = sorted({o for question in questions for o in question.objects})
        regions = [
            augment_region(region_of(clip, o), generator, self.box_probability, self.few_frames_probability)
            for o in objects
        ]
        return self.processor.prepare(
            video=clip.video,
            points=clip.points(),
            world_T_cam=clip.world_T_cam,
            seconds=clip.seconds,
            regions=regions,
            questions=[renumber(q.text, [objects.index(o) for o in q.objects]) for q in questions],
            answers=[question.spoken for question in questions],
        )


def augment_region(
    region: Region, generator: torch.Generator, box_probability: float, few_frames_probability: float
) -> Region:
    """Imitate the ways in which people point: segmentation or box, on all frames or few (SR-3D section 3.2).

    With `box_probability` every mask becomes its bounding box. With `few_frames_probability` k ~ U{1..n} of the frames
    that show the region are kept.
    """
    as_box, few = (
        torch.rand(2, generator=generator) < torch.tensor([box_probability, few_frames_probability])
    ).tolist()
    masks = dict(region.masks)
    if few:
        keep = int(torch.randint(1, len(masks) + 1, (), generator=generator))
        frames = sorted(masks)
        chosen = torch.randperm(len(frames), generator=generator)[:keep].tolist()
        masks = {frames[i]: masks[frames[i]] for i in sorted(chosen)}
    if as_box:
        masks = {frame: bounding_box(mask) for frame, mask in masks.items()}
    return Region(masks, region.name)


def bounding_box(mask: torch.Tensor) -> torch.Tensor:
    """Fill the bounding box of a mask; an empty mask stays empty."""
    rows, cols = mask.any(1), mask.any(0)

    def span(line: torch.Tensor) -> torch.Tensor:
        seen = line.int()
        return (seen.cumsum(0) > 0) & (seen.flip(0).cumsum(0).flip(0) > 0)

    return span(rows)[:, None] & span(cols)
