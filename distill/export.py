"""Export of a distilled student as a plain SR-3D."""

from __future__ import annotations

from pathlib import Path

import torch

from models.sr3d.inputs.processor import SR3DProcessor
from models.sr3d.model import SR3DForConditionalGeneration


def export_student(model: SR3DForConditionalGeneration, processor: SR3DProcessor, folder: str | Path) -> None:
    """Write a checkpoint with the keys, parameters and logits of a model that was never distilled.

    Raises ValueError where the model has parameters that its config does not build.
    """
    with torch.device("meta"):
        expected = set(SR3DForConditionalGeneration(model.config).state_dict())
    if extra := sorted(set(model.state_dict()) ^ expected):
        raise ValueError(f"the student is not a plain SR-3D: {', '.join(extra[:3])} differ from what its config builds")
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
