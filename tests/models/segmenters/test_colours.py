"""A thing in a box, told from what is around it by colour."""

from __future__ import annotations

import pytest
import torch

from models.segmenters import Click, ColourSegmenter, Prompt


def scene() -> torch.Tensor:
    """A red disc of radius 12 at (40, 30), on a floor of two greys."""
    rows, columns = torch.meshgrid(torch.arange(60), torch.arange(80), indexing="ij")
    floor = torch.where((rows // 6 + columns // 6) % 2 == 0, 90, 130)
    image = floor.expand(3, -1, -1).clone()
    image[:, disc()] = torch.tensor([200, 40, 30])[:, None]
    return image.to(torch.uint8)


def disc() -> torch.Tensor:
    rows, columns = torch.meshgrid(torch.arange(60), torch.arange(80), indexing="ij")
    return (rows - 30) ** 2 + (columns - 40) ** 2 <= 12**2


def test_the_thing_is_marked_and_the_corners_of_its_box_are_not() -> None:
    video = torch.stack([torch.zeros_like(scene()), scene()])
    (found,) = ColourSegmenter()(video, [Prompt(box=(27, 17, 53, 43), frame=1)])
    assert list(found.masks) == [1]
    assert torch.equal(found.masks[1], disc())


def test_a_thing_without_other_colours_is_its_box() -> None:
    plain = torch.full((1, 3, 40, 40), 90, dtype=torch.uint8)
    (found,) = ColourSegmenter()(plain, [Prompt(box=(10, 10, 20, 30))])
    assert int(found.masks[0].sum()) == 200
    (filled,) = ColourSegmenter()(plain, [Prompt(box=(0, 0, 40, 40))])
    assert int(filled.masks[0].sum()) == 1600


def test_a_click_is_refused() -> None:
    with pytest.raises(ValueError, match="a box is needed"):
        ColourSegmenter()(scene()[None], [Prompt((Click(0, 3, 3),))])
