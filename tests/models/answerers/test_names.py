from __future__ import annotations

from pathlib import Path

import pytest

from models.answerers.contract import Answers
from models.answerers.names import arm_name, is_of_transformers, open_answers, weights_of
from models.checkpoint_registry import checkpoint_folder
from models.sr3d.answering import Answerer


def test_a_shipped_checkpoint_is_an_sr3d() -> None:
    model = open_answers("sr3d_tiny_2d", "cpu")
    assert isinstance(model, Answerer)
    assert isinstance(model, Answers)
    assert not is_of_transformers(checkpoint_folder("sr3d_tiny_2d"))


def test_a_constant_says_the_same_and_has_no_weights() -> None:
    constant = open_answers("constant:2.5 m")
    assert list(constant.answer([], 4)) == []
    assert weights_of("constant:2.5 m") is None
    with pytest.raises(ValueError, match="constant:TEXT"):
        open_answers("constant:")


def test_weights_of_a_blind_model_are_its_own() -> None:
    assert weights_of("text:some/folder/x") == Path("some/folder/x")
    assert weights_of("sr3d_tiny_2d") == checkpoint_folder("sr3d_tiny_2d")


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("sr3d_tiny_3d", "sr3d_tiny_3d"),
        ("runs/3d/model", "model"),
        ("text:Qwen/Qwen2.5-VL-3B", "text:Qwen2.5-VL-3B"),
        ("constant:2 m/s", "constant:2 m/s"),
    ],
)
def test_an_arm_is_named_after_its_folder_and_a_baseline_after_what_it_is(folder: str, name: str) -> None:
    assert arm_name(folder) == name
