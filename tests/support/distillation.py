"""A tiny expert, clips with all signals, and a student that fits."""

from typing import Any

import pytest
import torch

from distill.teachers import Expert4D, Expert4DConfig
from models.sr3d import SR3DConfig, SR3DForConditionalGeneration, SR3DProcessor, train_tokenizer
from scenes.clip import Clip
from scenes.questions import grammar_texts
from scenes.worlds import WorldConfig, make_world, render

FRAMES, SIZE = 4, 32
VIDEO = {
    "model_type": "videomae",
    "image_size": SIZE,
    "patch_size": 8,
    "num_frames": FRAMES,
    "tubelet_size": 2,
    "hidden_size": 16,
    "num_hidden_layers": 4,
    "num_attention_heads": 2,
    "intermediate_size": 32,
}
WORLD = WorldConfig(height=SIZE, width=SIZE, frames=FRAMES, motion=True)


def build_expert(seed: int = 0) -> Expert4D:
    torch.manual_seed(seed)
    config = Expert4DConfig(VIDEO, hooks=(1, 2, 3, 4), head_width=8, head_factors=(2, 1, 0.5, 0.5))
    return Expert4D(config).freeze()


def build_student(**options: Any) -> tuple[SR3DForConditionalGeneration, SR3DProcessor]:
    torch.manual_seed(0)
    config = SR3DConfig(**{"tile_size": SIZE, "projector_factor": 4, "grid_encoding": True, **options})
    processor = SR3DProcessor.from_config(config, train_tokenizer(grammar_texts()))
    return SR3DForConditionalGeneration(config), processor


@pytest.fixture(scope="session")
def expert() -> Expert4D:
    return build_expert()


@pytest.fixture(scope="session")
def clips() -> list[Clip]:
    return render([make_world(seed, WORLD) for seed in range(6)], "cpu", ("backward_flow", "moving"))
