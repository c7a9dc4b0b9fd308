"""One grammar points at regions: `[K:]what[@frame]`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from region4d.footage.marks import check_mentions, parse_pointers, regions_of
from scenes.clip import Clip

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


@pytest.mark.parametrize("text", ["0:xywh:10,10,10,5", "0:xyxy:10,10,20,15", "0:10,10,20,15", "0:xywh:9.5,9.5,11,6"])
def test_a_box_has_two_forms(text: str) -> None:
    (pointer,) = parse_pointers([text], [], [])
    mask = pointer.mark(SIZE, frames=1).mask
    assert mask.any(1).nonzero()[:, 0].tolist() == list(range(10, 15)) or "9.5" in text
    assert mask[12].nonzero()[:, 0].tolist() == list(range(10, 20)) or mask[12].sum() == 12


@pytest.mark.parametrize(
    ("flag", "text", "said"),
    [
        ("region", "0:0.1,0.3,0.4,0.8", "'0:0.1,0.3,0.4,0.8': box .* shares of the image .* width, 60, .* height, 40"),
        ("region", "0:xywh:0.1,0.3,0.3,0.5", "shares of the image"),
        ("region", "0:1,1,nan,9", "not finite"),
        ("region", "0:1,1,inf,9", "not finite"),
        ("region", "0:xywh:1,1,-3,9", "no area"),
        ("region", "0:cxcywh:5,5,3,3", "the form 'cxcywh:'; use x0,y0,x1,y1 or xywh:"),
        ("point", "0:5,5,nan", "radius of nan"),
        ("point", "0:5,5,-3", "radius of -3 pixels marks nothing"),
        ("point", "0:0.4,0.6", "shares of the image"),
    ],
)
def test_numbers_that_are_no_pixels_are_refused(flag: str, text: str, said: str) -> None:
    (pointer,) = parse_pointers(*([text] if flag == kind else [] for kind in ("region", "point", "mask")))
    with pytest.raises(ValueError, match=said) as caught:
        pointer.mark(SIZE, frames=1)
    assert f"--{flag} '{text}'" in str(caught.value)


def test_a_label_is_chosen_by_its_number(tmp_path: Path) -> None:
    index = np.zeros(SIZE, np.uint8)
    index[3:5, 7:9], index[10:20, 10:20] = 1, 2
    Image.fromarray(index).save(tmp_path / "index.png")
    first, second = parse_pointers([], [], [f"0:{tmp_path / 'index.png'}#1", f"1:{tmp_path / 'index.png'}#2@3"])
    assert (int(first.mark(SIZE, 4).mask.sum()), first.mark(SIZE, 4).frame) == (4, 0)
    assert (int(second.mark(SIZE, 4).mask.sum()), second.mark(SIZE, 4).frame) == (100, 3)
    Image.fromarray((index == 2).astype(np.uint8)).save(tmp_path / "take#1.png")
    (tmp_path / "take#1.png").rename(tmp_path / "take#1")
    (whole,) = parse_pointers([], [], [f"0:{tmp_path / 'take#1'}"])
    assert int(whole.mark(SIZE, 1).mask.sum()) == 100


@pytest.fixture
def davis(tmp_path: Path) -> Path:
    """Ten masks: object 1 is as many pixels wide as the number of its frame, object 2 is in the last three."""
    folder = tmp_path / "bear"
    folder.mkdir()
    for frame in range(10):
        index = np.zeros(SIZE, np.uint8)
        index[0, :frame] = 1
        index[30, :5] = 2 * (frame > 6)
        Image.fromarray(index).save(folder / f"{frame:05d}.png")
    return folder


def clip(*names: str) -> Clip:
    return Clip(
        torch.zeros(len(names), 3, *SIZE, dtype=torch.uint8), torch.arange(len(names)).float(), frame_names=names
    )


def test_a_folder_of_masks_marks_the_frames_of_its_names(davis: Path) -> None:
    first, second = parse_pointers([], [], [f"0:{davis}#1", f"1:{davis}#2"])
    marks = first.marks(clip("00000", "00003", "00009"))  # frame 0 does not show the object
    assert [(mark.frame, int(mark.mask.sum())) for mark in marks] == [(1, 3), (2, 9)]
    assert [mark.frame for mark in second.marks(clip("3", "6", "9"))] == [2]
    (named,) = parse_pointers([], [], [f"0:{davis}#1@1"])
    assert [(mark.frame, int(mark.mask.sum())) for mark in named.marks(clip("3", "6", "9"))] == [(1, 6)]
    with pytest.raises(ValueError, match="no mask of the object in frame 0"):
        parse_pointers([], [], [f"0:{davis}#2@0"])[0].marks(clip("3", "6", "9"))
    with pytest.raises(ValueError, match="names frame 5, but 3 frames are used"):
        parse_pointers([], [], [f"0:{davis}#2@5"])[0].marks(clip("3", "6", "9"))


def test_frames_without_names_take_the_masks_in_order(davis: Path) -> None:
    (pointer,) = parse_pointers([], [], [f"0:{davis}#1"])
    nameless = Clip(torch.zeros(10, 3, *SIZE, dtype=torch.uint8), torch.arange(10.0))
    assert [mark.frame for mark in pointer.marks(nameless)] == list(range(1, 10))
    with pytest.raises(ValueError, match="holds 10 masks, but 4 frames of this input are used"):
        pointer.marks(nameless.frames(range(4)))


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
