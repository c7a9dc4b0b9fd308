"""The text of an input: which tokens stand for what is seen, and which questions are refused."""

from __future__ import annotations

import pytest
import torch
from transformers import PreTrainedTokenizerFast

from models.sr3d import train_tokenizer
from models.sr3d.text.prompt import DURATION, Prompt

IMAGE, REGION, CAMERA, SCALE = 3, 4, 5, 6


@pytest.fixture(scope="module")
def words() -> PreTrainedTokenizerFast:
    return train_tokenizer(["How far is from ? , a and b", "sees asks 1.4 m", DURATION.format("0.50")])


def prompt(words: PreTrainedTokenizerFast, **options: object) -> Prompt:
    fields: dict = {
        "template": "sees {visual} asks {question}",
        "token_grid": 2,
        "scale_token": True,
        "camera_token": True,
        "tile_text": "",
        "tile_suffix": ["a"],
        "frame_suffix": ["b"],
        "time_prompt": False,
    }
    return Prompt(words, **{**fields, **options})


def read(words: PreTrainedTokenizerFast, ids: torch.Tensor) -> str:
    return str(words.decode(ids))


def test_an_image_has_one_camera_and_its_tiles_and_a_video_one_of_each_a_frame(words: PreTrainedTokenizerFast) -> None:
    tile = [IMAGE] * 4
    (sees,), (a,), (b,) = (words(text)["input_ids"] for text in ("sees", "a", "b"))
    assert prompt(words).prefix(1, 3, None).tolist() == [sees, SCALE, CAMERA, *([*tile, a] * 3)]
    assert prompt(words).prefix(2, 1, None).tolist() == [sees, SCALE, *([CAMERA, *tile, b] * 2)]


def test_tokens_that_a_model_does_not_take_are_left_out(words: PreTrainedTokenizerFast) -> None:
    bare = prompt(words, scale_token=False, camera_token=False, tile_suffix=[], template="{visual}{question}")
    assert bare.prefix(1, 2, None).tolist() == [IMAGE] * 8


def test_a_prompt_with_the_time_says_how_long_a_video_takes(words: PreTrainedTokenizerFast) -> None:
    timed = prompt(words, time_prompt=True)
    assert DURATION.format("0.50") in read(words, timed.prefix(2, 1, torch.tensor([3.0, 3.5])))
    assert torch.equal(timed.prefix(1, 1, None), prompt(words).prefix(1, 1, None))  # an image takes no time
    with pytest.raises(ValueError, match="says how long a video takes: give its `seconds`"):
        timed.prefix(2, 1, None)


def test_a_question_has_a_placeholder_for_each_mention(words: PreTrainedTokenizerFast) -> None:
    ids, mentions = prompt(words).question("How far is <region1> from <region0> , <region1> ?", 2)
    assert mentions.tolist() == [1, 0, 1]
    assert int((ids == REGION).sum()) == 3
    assert read(words, ids).startswith("asks How far is")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("  ", "a question is empty"),
        ("How far is <region2> ?", r"mentions <region2>, but 2 regions were given \(from 0\)"),
        ("How far is <image> ?", "holds no other tag"),
        ("<region> and <region0> ?", "holds no other tag"),
        ("<scale> <camera> ?", "holds no other tag"),
    ],
)
def test_a_question_that_does_not_point_properly_is_refused(
    words: PreTrainedTokenizerFast, text: str, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        prompt(words).question(text, 2)


def test_an_answer_ends(words: PreTrainedTokenizerFast) -> None:
    ids = prompt(words).answer("1.4 m")
    assert read(words, ids[:-1]) == "1.4 m"
    assert int(ids[-1]) == words.eos_token_id
