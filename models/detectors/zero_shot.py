"""Detectors of transformers that read a phrase: Grounding DINO, OWLv2, OWL-ViT, OmDet-Turbo."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from jaxtyping import UInt8
from torch import Tensor
from transformers import AutoConfig, AutoModelForZeroShotObjectDetection, AutoProcessor
from transformers.models.auto.modeling_auto import MODEL_FOR_ZERO_SHOT_OBJECT_DETECTION_MAPPING_NAMES

from models.checkpoint_files import NO_CODE
from models.detectors.contract import Detection, clipped
from models.pretrained import load_pretrained, local_folder


class ZeroShotDetector:
    """A network of `AutoModelForZeroShotObjectDetection` with its processor; it reads one phrase at a time.

    A score is the network's, from 0 to 1; those of two networks do not compare.

    Args:
        network: the network.
        processor: its processor.
        threshold: lowest score of what is found.
    """

    def __init__(self, network: Any, processor: Any, threshold: float) -> None:
        self.network, self.processor, self.threshold = network.eval(), processor, threshold

    @torch.inference_mode()
    def __call__(self, image: UInt8[Tensor, "3 height width"], phrase: str) -> list[Detection]:
        """Find all things that the phrase names, those with the highest score first."""
        height, width = image.shape[1:]
        inputs = self.processor(images=[image], text=[[phrase]], return_tensors="pt").to(self.network.device)
        (found,) = self.processor.post_process_grounded_object_detection(
            self.network(**inputs), threshold=self.threshold, target_sizes=[(height, width)], text_labels=[[phrase]]
        )
        scored = sorted(zip(found["scores"].tolist(), found["boxes"].tolist(), strict=True), reverse=True)
        inside = [(score, clipped(box, height, width)) for score, box in scored]
        return [Detection(box, score) for score, box in inside if box is not None]


def open_detector(
    checkpoint: str | Path, threshold: float = 0.25, device: torch.device | str = "cpu"
) -> ZeroShotDetector:
    """Open a detector of transformers, in float32. Nothing is downloaded here.

    Args:
        checkpoint: a folder, or a name that has been downloaded.
        threshold: lowest score of what is found; Grounding DINO's authors use 0.25, OWLv2's 0.1.
        device: where it runs.

    Raises:
        FileNotFoundError: the checkpoint is not on this machine, or lacks a file.
        ValueError: it is not a zero-shot detector, or lacks weights.
    """
    try:
        folder = local_folder(checkpoint)
        kind = AutoConfig.from_pretrained(folder, local_files_only=True, **NO_CODE).model_type
        if kind not in MODEL_FOR_ZERO_SHOT_OBJECT_DETECTION_MAPPING_NAMES:
            known = ", ".join(MODEL_FOR_ZERO_SHOT_OBJECT_DETECTION_MAPPING_NAMES)
            raise ValueError(f"'{checkpoint}' is a {kind}, which finds nothing by a phrase: use one of {known}")
        network = load_pretrained(AutoModelForZeroShotObjectDetection, folder, dtype=torch.float32)
        processor = AutoProcessor.from_pretrained(folder, local_files_only=True, **NO_CODE)
    except OSError as error:
        raise FileNotFoundError(
            f"no detector '{checkpoint}' here: give a folder, or get one, for example by "
            "'hf download IDEA-Research/grounding-dino-tiny' or 'hf download google/owlv2-base-patch16-ensemble'"
        ) from error
    return ZeroShotDetector(network.to(device), processor, threshold)
