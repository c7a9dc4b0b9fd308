"""A tiny model, its processor, and clips whose points are known."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from models.geometry import PointMap
from models.regions import Region
from models.sr3d import Sample, SR3DConfig, SR3DForConditionalGeneration, SR3DProcessor, train_tokenizer

QUESTIONS = ("Which is nearer, (A) <region0> or (B) <region1>?", "How far is <region1>?", "What colour is <region0>?")
ANSWERS = ("A", "1.4 m", "red")
TEXT = {
    "model_type": "qwen2",
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "intermediate_size": 64,
    "vocab_size": 64,
}
VISION = {
    "model_type": "convnext",
    "num_stages": 1,
    "patch_size": 4,
    "hidden_sizes": [24],
    "depths": [1],
    "layer_scale_init_value": 1.0,
}
Build = Callable[..., Any]


@pytest.fixture(scope="session")
def tokenizer() -> PreTrainedTokenizerFast:
    return train_tokenizer([*QUESTIONS, *ANSWERS])


@pytest.fixture(scope="session")
def build_model() -> Build:
    def build(seed: int = 0, **options: Any) -> SR3DForConditionalGeneration:
        torch.manual_seed(seed)
        sizes: dict[str, Any] = {"vision_config": VISION, "text_config": TEXT, "tile_size": 32, "projector_factor": 4}
        return SR3DForConditionalGeneration(SR3DConfig(**{**sizes, **options})).eval()

    return build


@pytest.fixture(scope="session")
def model(build_model: Build) -> SR3DForConditionalGeneration:
    """A 3D model whose position encoding is not zero, as after training."""
    model: SR3DForConditionalGeneration = build_model()
    assert model.position_encoding is not None
    with torch.no_grad():
        model.position_encoding.last.weight.normal_(std=0.5)
    return model


@pytest.fixture(scope="session")
def processor(model: SR3DForConditionalGeneration, tokenizer: PreTrainedTokenizerFast) -> SR3DProcessor:
    return SR3DProcessor.from_config(model.config, tokenizer)


def pixels(seed: int, time: int, height: int = 32, width: int = 32) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (time, 3, height, width), generator=generator, dtype=torch.uint8)


def world_points(seed: int, time: int, height: int = 32, width: int = 32) -> PointMap:
    generator = torch.Generator().manual_seed(seed)
    valid = torch.rand(time, height, width, generator=generator) > 0.2
    xyz = torch.randn(time, height, width, 3, generator=generator) * valid[..., None]
    return PointMap(xyz, valid, "world")


def two_regions(frames: tuple[int, ...] = (0, 1), size: int = 32) -> list[Region]:
    masks = torch.zeros(2, size, size, dtype=torch.bool)
    masks[0, 3:11, 2:13] = True
    masks[1, 20, 25] = True  # one pixel
    return [Region(dict.fromkeys(frames, mask), name) for mask, name in zip(masks, ("cup", "pin"), strict=True)]


@pytest.fixture(scope="session")
def samples(processor: SR3DProcessor) -> list[Sample]:
    """Three clips of 2, 3 and 2 frames, the last without points."""
    made = []
    for seed, time in enumerate((2, 3, 2)):
        poses = torch.eye(4).repeat(time, 1, 1)
        poses[:, :3, 3] = torch.randn(time, 3, generator=torch.Generator().manual_seed(seed))
        made.append(
            processor.prepare(
                pixels(seed, time),
                QUESTIONS,
                points=world_points(seed, time) if seed < 2 else None,
                seconds=torch.arange(time) / 5,
                world_T_cam=poses,
                regions=two_regions(),
                answers=ANSWERS,
            )
        )
    return made
