"""Detectors of transformers by name, as tiny random networks in the published layout."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import (
    GroundingDinoForObjectDetection,
    GroundingDinoProcessor,
    Owlv2ForObjectDetection,
    Owlv2Processor,
    ViTConfig,
    ViTModel,
)

from models.detectors import open_detector
from models.detectors.contract import clipped
from tests.support.folders.detector_checkpoints import write_grounding_dino, write_owlv2

SIZE = (48, 60)


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("detectors")
    write_owlv2(folder / "owlv2")
    write_grounding_dino(folder / "grounding_dino")
    return folder


@pytest.fixture
def image() -> torch.Tensor:
    return torch.randint(0, 256, (3, *SIZE), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)


@torch.inference_mode()
@pytest.mark.parametrize(
    ("name", "model", "processor", "text"),
    [
        ("owlv2", Owlv2ForObjectDetection, Owlv2Processor, [["red chair"]]),
        ("grounding_dino", GroundingDinoForObjectDetection, GroundingDinoProcessor, "red chair."),
    ],
)
def test_what_is_found_is_what_the_stock_class_finds(
    checkpoints: Path, image: torch.Tensor, name: str, model: type, processor: type, text: object
) -> None:
    found = open_detector(checkpoints / name, threshold=0.2)(image, "red chair")
    network, prepare = model.from_pretrained(checkpoints / name).eval(), processor.from_pretrained(checkpoints / name)
    inputs = prepare(images=[image], text=text, return_tensors="pt")
    (expected,) = prepare.post_process_grounded_object_detection(network(**inputs), threshold=0.2, target_sizes=[SIZE])
    inside = [
        (score, box)
        for score, box in zip(expected["scores"].tolist(), expected["boxes"].tolist(), strict=True)
        if clipped(box, *SIZE)
    ]
    assert len(found) == len(inside) > 1
    assert [each.score for each in found] == pytest.approx(sorted((score for score, _ in inside), reverse=True))
    best = max(inside)
    assert found[0].box == pytest.approx(clipped(best[1], *SIZE), abs=1e-3)


def test_a_phrase_and_a_threshold_change_what_is_found(checkpoints: Path, image: torch.Tensor) -> None:
    every = open_detector(checkpoints / "owlv2", 0.0)(image, "red chair")
    few = open_detector(checkpoints / "owlv2", every[2].score)(image, "red chair")
    assert few == every[:2]
    assert every != open_detector(checkpoints / "owlv2", 0.0)(image, "blue dog")


def test_a_box_is_clipped_to_the_picture() -> None:
    assert clipped((-3.0, 2.5, 90.0, 40.0), *SIZE) == (0.0, 2.5, 60.0, 40.0)
    assert clipped((70.0, 2.0, 90.0, 40.0), *SIZE) is None


def test_another_kind_of_model_and_a_missing_one_are_named(tmp_path: Path) -> None:
    small = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 8}
    ViTModel(ViTConfig(image_size=16, patch_size=8, **small)).save_pretrained(tmp_path / "vit")
    with pytest.raises(ValueError, match="is a vit, which finds nothing by a phrase"):
        open_detector(tmp_path / "vit")
    with pytest.raises(FileNotFoundError, match="no detector 'nobody/nothing' here"):
        open_detector("nobody/nothing")
