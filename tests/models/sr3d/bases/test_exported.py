"""Exported SR-3D folders: whole, changed for a training, or refused in one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from models.sr3d import SR3DForConditionalGeneration, SR3DProcessor
from models.sr3d.bases.exported import load_exported_model, load_exported_processor


@pytest.fixture
def folder(model: SR3DForConditionalGeneration, processor: SR3DProcessor, tmp_path: Path) -> Path:
    model.save_pretrained(tmp_path / "exported")
    processor.save_pretrained(tmp_path / "exported")
    return tmp_path / "exported"


def _change(file: Path, **fields: Any) -> None:
    file.write_text(json.dumps({**json.loads(file.read_text()), **fields}))


def test_model_and_processor_come_back_as_they_were(
    folder: Path, model: SR3DForConditionalGeneration, processor: SR3DProcessor
) -> None:
    again = load_exported_model(folder)
    assert all(torch.equal(value, again.state_dict()[name]) for name, value in model.state_dict().items())
    assert load_exported_processor(folder).to_dict() == processor.to_dict()
    assert load_exported_model(folder, dtype="bfloat16").dtype == torch.bfloat16


def test_a_training_may_add_parts_and_take_them_away(folder: Path, model: SR3DForConditionalGeneration) -> None:
    flat = load_exported_model(folder, position_encoding=False, scale="none")
    assert flat.position_encoding is None
    assert flat.scale_encoding is None
    kept = flat.state_dict()
    assert all(torch.equal(value, kept[name]) for name, value in model.state_dict().items() if name in kept)
    assert not load_exported_processor(folder, position_encoding=False, scale="none").point_map
    flat.save_pretrained(folder)
    deep = load_exported_model(folder, position_encoding=True, scale="token")
    assert deep.position_encoding is not None
    assert not deep.position_encoding.last.weight.any()  # new, so that answers stay
    assert load_exported_processor(folder, max_tiles=3, scale="metric").max_tiles == 3


def test_options_are_known_or_refused(folder: Path) -> None:
    with pytest.raises(ValueError, match="unknown option max_tile=3 of an exported SR-3D: do you mean max_tiles"):
        load_exported_model(folder, max_tile=3)
    with pytest.raises(ValueError, match="max_tiles belongs to the processor"):
        load_exported_model(folder, max_tiles=3)
    with pytest.raises(ValueError, match="dtype 'float7' is unknown"):
        load_exported_model(folder, dtype="float7")


@pytest.mark.parametrize("part", [None, "vision_config", "text_config"])
def test_what_a_call_returns_is_not_for_a_file_to_say(folder: Path, part: str | None) -> None:
    config = json.loads((folder / "config.json").read_text())
    (config if part is None else config[part]).update(output_hidden_states="inf", return_dict=False)
    (folder / "config.json").write_text(json.dumps(config))
    loaded = load_exported_model(folder).config
    read = loaded if part is None else getattr(loaded, part)
    assert (read.output_hidden_states, read.return_dict) == (False, True)


@pytest.mark.parametrize("part", ["projector.", "position_encoding.", "region_extractor."])
def test_a_weight_that_is_not_there_is_never_random(folder: Path, part: str) -> None:
    weights = load_file(folder / "model.safetensors")
    del weights[next(name for name in weights if name.startswith(part))]
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    for options in ({}, {"position_encoding": True, "timestamp_encoding": "before_projector"}):
        with pytest.raises(ValueError, match=f"lacks 1 weights, the first is {part}"):
            load_exported_model(folder, **options)


def test_a_weight_that_has_no_place_is_named(folder: Path) -> None:
    weights = {**load_file(folder / "model.safetensors"), "extra": torch.zeros(1)}
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(ValueError, match="has unknown 1 weights, the first is extra"):
        load_exported_model(folder)


def test_damaged_weights_are_named(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"damaged")
    with pytest.raises(ValueError, match=r"model.safetensors is cut or damaged"):
        load_exported_model(folder)


@pytest.mark.parametrize(
    ("file", "fields", "message"),
    [
        ("config.json", {"image_token_id": 4}, "<image> is 3 in the tokenizer .* and 4 in its config.json"),
        ("config.json", {"text_config": {"model_type": "new"}}, "text_config with model_type='new'"),
        ("config.json", {"text_config": "qwen2"}, "text_config='qwen2': the config of a part has fields"),
        ("config.json", {"text_config": {"model_type": "qwen2", "hidden_act": "wavy"}}, "qwen2 has hidden_act='wavy'"),
        ("config.json", {"stride": "4"}, "config.json: stride='4' is a str: the type is int"),
        ("config.json", {"region_extractor_trained": "maybe"}, "region_extractor_trained='maybe' is a str"),
        ("config.json", {"pe_oversample": True}, "pe_oversample=True is a bool"),
        ("processor_config.json", {"max_tiles": 2.5}, "processor_config.json: max_tiles=2.5 is a float"),
        ("processor_config.json", {"tile_size": 64}, "tile_size=64, but config.json makes it 32"),
        ("processor_config.json", {"look_twice": True}, "the field look_twice=True, which is not known here"),
    ],
)
def test_settings_that_do_not_fit_are_named(folder: Path, file: str, fields: dict[str, Any], message: str) -> None:
    _change(folder / file, **fields)
    with pytest.raises(ValueError, match=message):
        load_exported_processor(folder)


def test_a_folder_without_its_processor_is_named(folder: Path) -> None:
    (folder / "processor_config.json").unlink()
    with pytest.raises(FileNotFoundError, match=r"processor_config.json: get the whole folder"):
        load_exported_processor(folder)
