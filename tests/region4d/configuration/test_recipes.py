"""Recipes refuse models that they would ruin, or do not train."""

from __future__ import annotations

import json
import os
import struct
from pathlib import Path

import pytest

from region4d.configuration.compose import compose_config
from region4d.configuration.recipes import count_parameters, refuse_other_model
from tests.support.folders.nvila_folder import write_nvila
from tests.support.programs.command_line import Run, assert_one_line

EIGHT_BILLION = 8_000_000_000
SMALL = [
    "sr3d/tiny_static",
    "sr3d/tiny_annotated",
    "rgpt4d/tiny_dynamic",
    "rgpt4d/tiny_motion",
    "rgpt4d/tiny_annotated",
    "rgpt4d/base_dynamic",
]
LARGE = ["sr3d/stage2", "rgpt4d/nvila_lite"]
OTHER = ["encoders/image_mae", "probe/tiny", "expert4d/tiny"]
BASE = "model=sr3d/nvila_lite_8b"


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A folder with the header of eight billion weights, and none of them (a sparse file)."""
    entry = {"dtype": "BF16", "shape": [EIGHT_BILLION], "data_offsets": [0, 2 * EIGHT_BILLION]}
    header = json.dumps({"weight": entry}).encode()
    path = tmp_path / "base" / "llm" / "model.safetensors"
    path.parent.mkdir(parents=True)
    path.write_bytes(struct.pack("<Q", len(header)) + header)
    os.truncate(path, 8 + len(header) + 2 * EIGHT_BILLION)
    return path.parents[1]


@pytest.mark.parametrize("experiment", [*SMALL, None])
def test_a_recipe_for_small_models_refuses_an_8b_base_by_name(
    region4d: Run, large: Path, experiment: str | None
) -> None:
    words = [BASE, f"model.folder={large}", *([f"experiment={experiment}"] if experiment else [])]
    other = "rgpt4d/nvila_lite" if (experiment or "").startswith("rgpt4d") else "sr3d/stage1"
    said = f"experiment '{experiment or 'custom'}' is for models of at most"
    assert_one_line(region4d("train", *words), said, f"{large} has 8,000 million", f"such as {other}")


@pytest.mark.parametrize("experiment", LARGE)
def test_recipes_for_an_8b_base_take_it(large: Path, experiment: str) -> None:
    refuse_other_model(compose_config("train", [f"experiment={experiment}", f"model.folder={large}"]))


@pytest.mark.parametrize("experiment", OTHER)
def test_a_recipe_of_another_kind_of_model_refuses_an_sr3d(region4d: Run, large: Path, experiment: str) -> None:
    said = region4d("train", f"experiment={experiment}", BASE, f"model.folder={large}")
    assert_one_line(said, f"experiment '{experiment}' does not train an SR-3D")


def test_weights_are_counted_from_their_headers(tmp_path: Path) -> None:
    folder = write_nvila(tmp_path / "nvila")
    assert 10_000 < count_parameters(folder) < 100_000
    (folder / "llm" / "other.safetensors").write_bytes(b"cut")
    assert 10_000 < count_parameters(folder) < 100_000
    assert count_parameters(tmp_path / "gone") == 0
