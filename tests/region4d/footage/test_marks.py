"""One grammar points at regions: `[K:]what[@frame]`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from region4d.footage.marks import check_mentions, parse_pointers, regions_of

SIZE = (40, 60)


def test_a_number_and_a_frame_can_be_left_out() -> None:
    (pointer,) = parse_pointers(["1,2,11,12"], [], [])
    assert (pointer.index, pointer.frame) == (0, 0)
    (pointer,) = parse_pointers([], ["0:5,6@3"], [])
    assert (pointer.index, pointer.frame, pointer.what) == (0, 3, "5,6")


def test_values_of_one_flag_are_numbered_in_order() -> None:
    pointers = parse_pointers([], [], ["first.png", "second.png@2"])
    assert [(pointer.index, pointer.what, pointer.frame) for pointer in pointers] == [
        (0, "first.png", 0),
        (1, "second.png", 2),
    ]


@pytest.mark.parametrize(
    ("boxes", "points", "masks", "said"),
    [
        (["1,2,3,4"], ["5,6"], [], r"--point '5,6' needs a number; .* --point 1:5,6"),
        (["0:1,2,3,4", "5,6,7,8"], [], [], "--region '5,6,7,8' needs a number"),
        (["1:1,2,3,4"], [], [], r"without a gap; got \[1\]"),
        (["0:1,2,3,4"], [], ["2:a.png"], r"without a gap; got \[0, 2\]"),
        ([""], [], [], r"--region '' is malformed; write \[K:\]\.\.\.\[@frame\]"),
    ],
)
def test_an_unclear_number_is_refused(boxes: list[str], points: list[str], masks: list[str], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_pointers(boxes, points, masks)


def test_each_kind_draws_its_pixels(tmp_path: Path) -> None:
    picture = np.zeros(SIZE, np.uint8)
    picture[3:5, 7:9] = 1
    Image.fromarray(picture).save(tmp_path / "mask.png")
    pointers = parse_pointers(["1:10,10,20,15"], ["2:30.5,20.5,3", "3:30.5,20.5"], [f"0:{tmp_path / 'mask.png'}"])
    masks = [pointer.mark(SIZE, frames=1).mask for pointer in pointers]
    assert torch.equal(masks[0], torch.from_numpy(picture > 0))
    assert int(masks[1].sum()) == 50
    assert int(masks[2].sum()) == 29  # pixel centres within 3 pixels
    assert int(masks[3].sum()) == 1  # 2 % of 40 pixels is below one


def test_marks_of_one_number_are_one_region_in_many_frames() -> None:
    pointers = parse_pointers(["0:0,0,5,5@1", "0:0,0,5,5@2", "0:10,0,15,5@2"], [], [])
    (region,) = regions_of([pointer.mark(SIZE, frames=4) for pointer in pointers])
    assert {frame: int(mask.sum()) for frame, mask in region.masks.items()} == {1: 25, 2: 50}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0:1,1,9,9@4", "names frame 4, but 4 frames are used"),
        ("0:1,1,9", "needs 4 numbers in pixels"),
        ("0:a,1,9,9", "needs 4 numbers in pixels"),
        ("0:70,1,90,9", "outside"),
    ],
)
def test_a_box_that_cannot_be_drawn_is_refused(text: str, said: str) -> None:
    (pointer,) = parse_pointers([text], [], [])
    with pytest.raises(ValueError, match=said):
        pointer.mark(SIZE, frames=4)


def test_a_question_mentions_exactly_the_regions_given() -> None:
    pointers = parse_pointers(["0:1,1,9,9", "1:1,1,9,9"], [], [])
    check_mentions("How far is <region1> from <region0>?", pointers)
    with pytest.raises(ValueError, match="mentions <region2>, which was not given"):
        check_mentions("<region0> <region1> <region2>", pointers)
    with pytest.raises(ValueError, match=r"--region '1:1,1,9,9' was given, but .* <region1>"):
        check_mentions("<region0>", pointers)
