"""A checkpoint is loaded whole, or refused in one line."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import ViTConfig, ViTModel

from models.pretrained import IncompleteCheckpointError, load_pretrained

WEIGHT = "embeddings.cls_token"


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    ViTModel(
        ViTConfig(
            hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8, image_size=8, patch_size=4
        )
    ).save_pretrained(tmp_path)
    return tmp_path


def rewrite(folder: Path, change: dict[str, torch.Tensor], without: str = "nothing") -> None:
    weights = load_file(folder / "model.safetensors")
    assert WEIGHT in weights
    kept = {key: weight for key, weight in weights.items() if not key.startswith(without)}
    save_file({**kept, **change}, folder / "model.safetensors", {"format": "pt"})


def refusal(folder: Path, capfd: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(IncompleteCheckpointError) as caught:
        load_pretrained(ViTModel, folder)
    said = str(caught.value)
    assert "\n" not in said
    assert "REPORT" not in "".join(capfd.readouterr())  # the table of transformers
    return said


def test_a_whole_checkpoint_has_its_weights(checkpoint: Path) -> None:
    rewrite(checkpoint, {WEIGHT: torch.full((1, 1, 8), 3.0)})
    network = load_pretrained(ViTModel, checkpoint)
    assert (network.state_dict()[WEIGHT] == 3).all()
    assert not network.training


def test_missing_weights_are_counted_and_named(checkpoint: Path, capfd: pytest.CaptureFixture[str]) -> None:
    rewrite(checkpoint, {}, without="pooler")
    assert "lacks 2 weights of ViTModel, such as pooler.dense.bias" in refusal(checkpoint, capfd)
    assert load_pretrained(ViTModel, checkpoint, unused=("pooler.",)) is not None


def test_weights_of_another_shape_are_named(checkpoint: Path, capfd: pytest.CaptureFixture[str]) -> None:
    rewrite(checkpoint, {WEIGHT: torch.zeros(1, 1, 5)})
    assert f"1 weights of ViTModel in another shape than its config says, such as {WEIGHT}" in refusal(
        checkpoint, capfd
    )


@pytest.mark.parametrize("kept", [5, 300, -10])
def test_a_cut_file_is_refused(checkpoint: Path, capfd: pytest.CaptureFixture[str], kept: int) -> None:
    file = checkpoint / "model.safetensors"
    file.write_bytes(file.read_bytes()[:kept])
    assert "cut or damaged" in refusal(checkpoint, capfd)


def test_a_missing_folder_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="nowhere"):
        load_pretrained(ViTModel, tmp_path / "nowhere")
