from __future__ import annotations

import json
from pathlib import Path

import pytest

from models.answerers.contract import Answers
from models.answerers.names import arm_name, check_way, is_of_transformers, open_answers, ways_of, weights_of
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


def test_what_a_model_can_be_shown_is_known_before_it_is_opened() -> None:
    assert ways_of("sr3d_tiny_2d") == ways_of("constant:A") == ("tokens", "marks", "text", "crop")
    assert ways_of("text:sr3d_tiny_2d") == ("text",)
    with pytest.raises(ValueError, match="pointing=crop: 'text:some/folder' is shown no picture; choose one of text"):
        check_way("text:some/folder", "crop")
    with pytest.raises(ValueError, match="pointing=finger is unknown"):
        check_way("constant:A", "finger")


@pytest.mark.parametrize(
    ("config", "ways"),
    [
        ({"region_extractor_trained": False}, ("marks", "text", "crop")),
        ({"region_pool": "regiongpt"}, ("tokens", "marks", "text")),
    ],
)
def test_an_sr3d_takes_what_its_configuration_allows(
    tmp_path: Path, config: dict[str, object], ways: tuple[str, ...]
) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "sr3d", **config}))
    assert ways_of(tmp_path) == ways
