from __future__ import annotations

from dataclasses import dataclass, field

import pytest
import torch

from benchmarks.region_qa.tasks.media import BoxMark, ClipInMemory, MarkInMemory, Opener
from models.regions import Region
from scenes.clip import Clip

CLIP = Clip(torch.zeros(2, 3, 64, 64, dtype=torch.uint8), torch.tensor([0.0, 1.0]), name="blank")


@dataclass(frozen=True)
class Counted:
    """Footage that counts how often it is read."""

    name: str
    reads: list[str] = field(default_factory=list, compare=False)

    def read(self) -> Clip:
        self.reads.append(self.name)
        return CLIP


def test_adjacent_items_of_one_clip_read_it_once_and_share_its_regions() -> None:
    reads: list[str] = []
    opener, marks = Opener(), [BoxMark((1, 1, 5, 5)), BoxMark((1, 1, 5, 5), frame=1)]
    first = opener.open(Counted("a", reads), marks)
    again = opener.open(Counted("a", reads), marks[::-1])
    opener.open(Counted("b", reads), [])
    opener.open(Counted("a", reads), [])
    assert reads == ["a", "b", "a"]
    assert [id(region) for region in again.regions] == [id(region) for region in first.regions[::-1]]
    assert [list(region.masks) for region in first.regions] == [[0], [1]]


def test_a_mark_that_marks_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="outside the image"):
        Opener().open(ClipInMemory(CLIP), [BoxMark((70, 70, 80, 80))])


def test_a_clip_and_masks_in_memory_are_given_as_they_are() -> None:
    region = Region.from_box((2, 2, 9, 9), 64, 64)
    opened = Opener().open(ClipInMemory(CLIP), [MarkInMemory(region)])
    assert opened.clip is CLIP
    assert opened.regions == [region]
