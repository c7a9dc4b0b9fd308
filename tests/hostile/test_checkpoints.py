"""Damaged checkpoints load and work, or are refused in one line that names the file: never anything else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from distill.teachers import Expert4D
from distill.teachers.expert import load_expert
from models.lifting import Guidance, Sampling, lift
from models.lifting.checkpoint import build_model, load_model, save_model
from models.queries.query import Query
from models.sr3d import SR3DForConditionalGeneration, SR3DProcessor
from models.sr3d.answering import Answerer
from scenes.clip import Clip
from tests.support.mutations.checkpoints import mutate
from tests.support.mutations.outcome import survives
from tests.support.sr3d import pixels, two_regions

ENCODER = {"patch": 8, "width": 16, "depth": 1, "heads": 2}
LIFTING: dict[str, Any] = {
    "vae": {"resolution": 16, "channels": [8, 8], "blocks": 1, "stem": 2, "patch": 2},
    "flow": {"width": 24, "depth": 1, "heads": 2, "layout_width": 16},
    "conditioner": {
        "width": 16,
        "image_size": 16,
        "image": ENCODER,
        "mask": ENCODER,
        "points": {"width": 16, "size": 16, "patch": 8, "heads": 2, "remap": "asinh"},
    },
    "extent": "object",
}


def test_sr3d(model: SR3DForConditionalGeneration, processor: SR3DProcessor, tmp_path: Path, mutations: int) -> None:
    whole = tmp_path / "whole"
    model.save_pretrained(whole)
    processor.save_pretrained(whole)
    query = Query(Clip(pixels(0, 2), torch.arange(2) / 5), two_regions(), "How far is <region1>?")
    survives(
        lambda folder: Answerer.from_folder(folder, "cpu"),
        lambda answerer: list(answerer.answer([query], max_new_tokens=2)),
        *(whole, tmp_path, mutations, mutate),
    )


def test_lifting(tmp_path: Path, mutations: int) -> None:
    whole = tmp_path / "whole"
    torch.manual_seed(0)
    save_model(build_model(**LIFTING), whole)
    image, mask = pixels(0, 1)[0], torch.ones(32, 32, dtype=torch.bool)
    sampling = Sampling(steps=1, guidance=Guidance(1.0))

    def use(loaded: Any) -> None:
        try:
            lift(image, mask, model=loaded, sampling=sampling)
        except ValueError as error:
            if "surface" not in str(error):  # of random weights
                raise

    survives(load_model, use, whole, tmp_path, mutations, mutate)


def test_expert(expert: Expert4D, tmp_path: Path, mutations: int) -> None:
    whole = tmp_path / "whole"
    expert.save_pretrained(whole)
    video = pixels(0, expert.spec.frames)[None]
    survives(load_expert, lambda loaded: loaded(video), whole, tmp_path, mutations // 4, mutate)
