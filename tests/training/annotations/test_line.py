"""One line of training data: what is read, and what is refused with its cure."""

from __future__ import annotations

import json
from typing import Any

import pytest

from training.annotations import Mark, Turn, parse_line

TALK = [[{"question": "What is it?", "answer": "a cup"}]]
ABOUT = [[{"question": "What is <region0>?", "answer": "a cup"}]]
BOX = {"box": [1, 2, 3, 4]}


def line(**fields: Any) -> bytes:
    return json.dumps({"conversations": TALK, **fields}).encode()


def test_a_line_is_read() -> None:
    read = parse_line(
        line(image="a.jpg", regions=[[BOX, {"points": [[3, 4]], "frame": 0}]], conversations=ABOUT, weight=2)
    )
    assert read.media is not None
    assert (read.media.kind, read.media.paths) == ("image", ("a.jpg",))
    assert read.regions == ((Mark("box", [1, 2, 3, 4]), Mark("points", [[3, 4]])),)
    assert read.conversations == ((Turn("What is <region0>?", "a cup"),),)
    assert read.weight == 2


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"{", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"[]", "the line must be a JSON object"),
        (line(pictures="a.jpg"), "the key 'pictures' is unknown; known are conversations, depth"),
        (line(image="a.jpg", video="b.mp4"), "image and video exclude each other"),
        (line(image="a.jpg", frames=3), "'frames' does not go with image, only depth"),
        (line(video="b.mp4", frames=3, indices=[0]), "frames and indices exclude each other"),
        (line(video="b.mp4", frames=0), "frames must be a whole number, 1 or more; got 0"),
        (line(video="b.mp4", seconds=[1, 0]), "seconds must rise"),
        (line(images=["a.jpg"], seconds=[0, 1]), "there are 1 images and 2 seconds"),
        (line(image=3), "image must be file names; got 3"),
        (line(image="a.jpg", depth={"scale": 3}), "depth must be"),
        (line(frames=3), "'frames' is of media, but there are none"),
        (line(regions=[BOX]), "there are regions, but no media"),
        (line(image="a.jpg", regions=[BOX]), "no question mentions <region0>"),
        (line(image="a.jpg", conversations=ABOUT), "<region0>, but 0 regions were given"),
        (line(image="a.jpg", conversations=ABOUT, regions=[{"box": [1, 2, 3]}]), "box of region 0 must be x0, y0"),
        (line(image="a.jpg", conversations=ABOUT, regions=[{"circle": [1, 2, 3]}]), "kinds are box, polygon, rle"),
        (line(image="a.jpg", conversations=ABOUT, regions=[{**BOX, "radius": 3}]), "a radius is of points"),
        (line(image="a.jpg", conversations=ABOUT, regions=[{"box": [0, 0, 1, float("nan")]}]), "box of region 0"),
        (line(conversations=[]), "there is no conversation"),
        (line(conversations=TALK[0]), "a conversation must be a list"),
        (line(conversations=[[{"question": "?", "answer": ""}]]), "a turn must be a list of turns"),
        (line(conversations=[[{"question": "?", "answer": "<region0>"}]]), "an answer mentions a region"),
        (line(weight=-1), "weight must be a number, 0 or more"),
        (line(licence=3), "licence must be a text"),
    ],
)  # fmt: skip
def test_a_wrong_line_says_what_is_wrong(text: bytes, reason: str) -> None:
    with pytest.raises(ValueError) as error:
        parse_line(text)
    assert reason in str(error.value)
    assert len(str(error.value)) < 300
