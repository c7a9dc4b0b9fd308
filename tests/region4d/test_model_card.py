"""The card of a trained checkpoint."""

from pathlib import Path

from omegaconf import OmegaConf

from benchmarks.records.manifest import collect_manifest
from region4d.model_card import write_card


def test_a_card_names_data_steps_command_and_model(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    config = OmegaConf.create({"name": "expert4d/tiny", "seed": 3, "trainer": {"max_steps": 20}})
    command = "region4d train experiment=expert4d/tiny"
    write_card(tmp_path, config, "80 procedural worlds", "A 4D expert.", command, collect_manifest({}, tmp_path))
    text = (tmp_path / "README.md").read_text()
    assert text.startswith("# expert4d/tiny\n")
    assert "on 80 procedural worlds, 20 steps, seed 3." in text
    assert "A 4D expert." in text
    assert f"`{command}`" in text
