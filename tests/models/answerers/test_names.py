from __future__ import annotations

from pathlib import Path

import pytest

from models.answerers.contract import Answers
from models.answerers.names import is_of_transformers, open_answers, weights_of
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
