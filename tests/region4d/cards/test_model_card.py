"""The card of a checkpoint, as huggingface_hub reads it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import ModelCard
from omegaconf import OmegaConf

from benchmarks.records.manifest import collect_manifest
from models.checkpoint_registry import CHECKPOINTS, shipped_checkpoints
from region4d.cards.base_models import BaseModel
from region4d.cards.model_card import write_card, write_converted_card

COMMAND = "region4d train experiment=expert4d/tiny"


def _card(folder: Path, **config: Any) -> ModelCard:
    folder.mkdir(exist_ok=True)
    (folder / "model.safetensors").write_bytes(b"weights")
    made = OmegaConf.create({"name": "expert4d/tiny", "seed": 3, "trainer": {"max_steps": 20}, **config})
    write_card(folder, made, "80 procedural worlds", "A 4D expert.", COMMAND, collect_manifest({}, folder))
    return ModelCard.load(folder / "README.md")


def test_a_card_names_data_steps_command_and_model(tmp_path: Path) -> None:
    card = _card(tmp_path)
    assert card.text.strip().startswith("# expert4d/tiny\n")
    assert "on 80 procedural worlds, 20 steps, seed 3." in card.text
    assert "A 4D expert." in card.text
    assert f"`{COMMAND}`" in card.text


def test_what_was_trained_from_nothing_has_the_licence_of_region4d(tmp_path: Path) -> None:
    card = _card(tmp_path)
    assert card.data.to_dict() == {
        "license": "apache-2.0",
        "library_name": "region4d",
        "pipeline_tag": "depth-estimation",
        "tags": ["expert4d"],
    }
    assert "Licence: Apache-2.0." in card.text
    assert "made from" not in card.text


def test_a_base_whose_licence_is_not_stated_is_to_be_checked(tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "config.json").write_text("{}")
    card = _card(tmp_path / "trained", model={"folder": str(tmp_path / "base")})
    assert (card.data.license, card.data.license_name, card.data.base_model) == ("other", None, ["base"])
    assert "that of base could not be read; check it before you use or pass on this model." in card.text
    assert "apache" not in str(card).lower()


def test_every_part_is_listed_with_its_licence(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    parts = [
        BaseModel("vision tower", "lab/tower", "apache-2.0", stated_in="README.md", bases=("lab/tower",)),
        BaseModel("language model", "lab/words", "llama3", stated_in="LICENSE", bases=("lab/words",)),
    ]
    write_converted_card(tmp_path, "base", "An SR-3D.", "region4d convert", collect_manifest({}, tmp_path), parts)
    card = ModelCard.load(tmp_path / "README.md")
    assert card.data.license == "llama3"  # what binds the whole
    assert card.data.base_model == ["lab/tower", "lab/words"]
    assert card.data.pipeline_tag == "image-text-to-text"
    assert "| vision tower | lab/tower | apache-2.0 | README.md |" in card.text
    assert "| language model | lab/words | llama3 | LICENSE |" in card.text


@pytest.mark.parametrize("name", shipped_checkpoints())
def test_a_shipped_card_is_read_by_the_hub(name: str) -> None:
    card = ModelCard.load(CHECKPOINTS / name / "README.md")
    assert (card.data.license, card.data.library_name) == ("apache-2.0", "region4d")
    assert card.data.pipeline_tag
    assert shipped_checkpoints()[name].sha256 in card.text
