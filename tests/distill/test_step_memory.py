"""Memory of a training step: formulas by hand, and fake tensors against real ones."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from benchmarks.speed.memory import LiveBytes
from distill.step_memory import NF4, Training, compute_training_memory, step_memory
from models.sr3d import SR3DConfig

FRAMES, TEXT = 8, 40


@pytest.fixture(scope="module")
def config() -> SR3DConfig:
    vision = {
        "model_type": "siglip_vision_model", "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2,
        "num_attention_heads": 2, "image_size": 32, "patch_size": 8, "vision_use_head": False,
    }  # fmt: skip
    text = {
        "model_type": "qwen2", "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 3, "vocab_size": 90,
        "num_attention_heads": 2, "num_key_value_heads": 1, "tie_word_embeddings": False,
    }  # fmt: skip
    return SR3DConfig(vision_config=vision, text_config=text, tile_size=32, stride=8, projector="mlp", scale="none")


@pytest.mark.long
def test_full_training_takes_sixteen_bytes_a_weight_and_shares_them_out(config: SR3DConfig) -> None:
    model = Training(config, "full").model
    every = sum(weight.numel() for weight in model.parameters())
    trained = every - sum(weight.numel() for weight in model.vision_tower.parameters())
    one, four = (step_memory(config, "full", cards, FRAMES, TEXT) for cards in (1, 4))
    assert (one.weights, one.gradients, one.optimizer) == (
        4 * trained + 2 * (every - trained),
        4 * trained,
        8 * trained,
    )
    assert (four.weights, four.gradients, four.optimizer) == (every, trained, 2 * trained)
    assert four.gathered > 0 == one.gathered


@pytest.mark.long
def test_adapters_take_sixteen_bytes_of_their_own_weights_alone(config: SR3DConfig) -> None:
    lora, small = (step_memory(config, kind, 1, FRAMES, TEXT) for kind in ("LoRA", "QLoRA"))
    layers, rank = config.text_config.num_hidden_layers, 16
    sizes = ((32, 32), (32, 16), (32, 16), (32, 32), (32, 64), (32, 64), (64, 32))  # q, k, v, o, gate, up, down
    adapters = layers * sum(rank * (inputs + outputs) for inputs, outputs in sizes)
    model = Training(config, "full").model
    others = sum(
        p.numel() for n, p in model.named_parameters() if not n.startswith(("language_model.", "vision_tower."))
    )
    assert lora.gradients == 4 * (adapters + others)
    saved = layers * sum(inputs * outputs for inputs, outputs in sizes) * (2 - NF4)
    assert lora.weights - small.weights == pytest.approx(saved)
    assert step_memory(config, "LoRA", 4, FRAMES, TEXT).gradients == 2 * lora.gradients  # buckets of DDP


@pytest.mark.long
def test_fake_tensors_count_what_real_ones_take(config: SR3DConfig) -> None:
    training = Training(config, "LoRA")
    for weight in training.parameters():
        if weight.requires_grad:
            weight.data = weight.data.float()
            weight.grad = torch.zeros_like(weight)
    with LiveBytes(training.held()) as live:
        with torch.autocast("cpu", torch.bfloat16):
            loss = training(FRAMES, TEXT)
        loss.backward()
    assert live.now < live.peak / 20  # freed by the backward pass
    tokens = FRAMES * config.token_grid**2 + TEXT
    mask = 3 * tokens**2  # in bfloat16 and bool, which transformers only builds of fake tensors
    assert step_memory(config, "LoRA", 1, FRAMES, TEXT).activations == live.peak + mask


def test_frames_that_do_not_fill_the_teacher_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="--frames 9: P4D needs a multiple of 8"):
        compute_training_memory(tmp_path / "a.json", "", frames=9)
