"""Licences survive: what a cc-by-nc base says stands on every card that is made from it."""

from __future__ import annotations

from pathlib import Path

import pytest
from huggingface_hub import ModelCard
from transformers import SiglipVisionModel

from tests.support.folders.nvila_folder import write_nvila
from tests.support.programs.command_line import Run

NC = "---\nlicense: cc-by-nc-4.0\nlibrary_name: transformers\ndatasets:\n- lab/pictures\n---\n# NVILA\n"
WORDS = ("experiment=sr3d/tiny_static", "data.seeds=[0,4]", "data.batch_size=2", "trainer.max_steps=1")
WORDS += ("trainer.callbacks=[]", "trainer.enable_progress_bar=false")


@pytest.fixture
def nvila(tmp_path: Path) -> Path:
    folder = write_nvila(tmp_path / "NVILA-Lite-8B")
    (folder / "README.md").write_text(NC)
    return folder


def _train(region4d: Run, model: str, folder: Path | str, output: Path, stores: Path) -> ModelCard:
    words = (f"model={model}", f"model.folder={folder}", f"data.stores={stores}", f"output={output}")
    code, _, err = region4d("train", *WORDS, *words)
    assert code == 0, err
    return ModelCard.load(output / "model" / "README.md")


@pytest.mark.long
def test_a_cc_by_nc_base_stays_so_through_convert_and_two_trainings(
    region4d: Run, nvila: Path, tmp_path: Path, stores: Path
) -> None:
    code, _, err = region4d("convert", "--nvila", str(nvila), "-o", str(tmp_path / "base"))
    assert code == 0, err
    cards = [ModelCard.load(tmp_path / "base" / "README.md")]
    cards.append(_train(region4d, "sr3d/exported", tmp_path / "base", tmp_path / "first", stores))
    cards.append(_train(region4d, "sr3d/exported", tmp_path / "first" / "model", tmp_path / "second", stores))
    cards.append(_train(region4d, "sr3d/nvila_lite_8b", nvila, tmp_path / "direct", stores))
    for card in cards:
        assert card.data.license == "cc-by-nc-4.0"
        assert card.data.base_model == ["NVILA-Lite-8B"]
        assert card.data.datasets == ["lab/pictures"]
        assert card.data.pipeline_tag == "image-text-to-text"
        assert "apache" not in str(card).lower()


@pytest.mark.long
def test_a_shipped_checkpoint_is_named_as_the_base(region4d: Run, tmp_path: Path, stores: Path) -> None:
    card = _train(region4d, "sr3d/exported", "sr3d_tiny_3d", tmp_path / "run", stores)
    assert (card.data.license, card.data.base_model) == ("apache-2.0", ["sr3d_tiny_3d"])


def test_two_parts_are_listed_and_one_that_says_nothing_makes_the_whole_unknown(
    region4d: Run, nvila: Path, tmp_path: Path
) -> None:
    tower = SiglipVisionModel.from_pretrained(nvila / "vision_tower")
    tower.save_pretrained(tmp_path / "tower")
    words = ("--vision", str(tmp_path / "tower"), "--language", str(nvila / "llm"), "-o")
    assert region4d("convert", *words, str(tmp_path / "unknown"))[0] == 0
    card = ModelCard.load(tmp_path / "unknown" / "README.md")
    assert (card.data.license, card.data.base_model) == ("other", ["tower", "llm"])
    assert "that of tower, llm could not be read; check it" in card.text
    (tmp_path / "tower" / "README.md").write_text("---\nlicense: apache-2.0\n---\n")
    (nvila / "llm" / "README.md").write_text(NC)
    assert region4d("convert", *words, str(tmp_path / "known"))[0] == 0
    card = ModelCard.load(tmp_path / "known" / "README.md")
    assert card.data.license == "cc-by-nc-4.0"
    assert "| vision tower | tower | apache-2.0 | README.md |" in card.text
    assert "| language model | llm | cc-by-nc-4.0 | README.md |" in card.text
