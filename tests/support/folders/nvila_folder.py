"""A tiny NVILA-Lite folder in the published layout."""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from torch import Tensor
from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM, SiglipVisionConfig, SiglipVisionModel

WIDTH, CHANNELS, GRID = 16, 12, 4
PROJECTORS = {  # layers with weights, and their shapes
    "mlp_downsample_3x3_fix": {
        "1.": (9 * CHANNELS,),
        "2.": (9 * CHANNELS, 3 * CHANNELS),
        "4.": (3 * CHANNELS,),
        "5.": (3 * CHANNELS, WIDTH),
        "7.": (WIDTH, WIDTH),
    },
    "mlp_downsample_2x2_fix": {"1.": (4 * CHANNELS,), "2.": (4 * CHANNELS, WIDTH), "4.": (WIDTH, WIDTH)},
    "mlp_downsample": {"1.": (4 * CHANNELS,), "2.": (4 * CHANNELS, WIDTH), "4.": (WIDTH, WIDTH)},
    "mlp2x_gelu": {"0.": (CHANNELS, WIDTH), "2.": (WIDTH, WIDTH)},
    "linear": {"": (CHANNELS, WIDTH)},
}
HEAD = "<|im_start|>system\nYou are a helpful assistant<|im_end|>\n<|im_start|>user\n"
TAIL = "<|im_end|>\n<|im_start|>assistant\n"


def write_nvila(root: Path, projector: str = "mlp_downsample_3x3_fix", padding: int = 0) -> Path:
    """Write three parts with their configs: plain Qwen2, `layers.N` of a Sequential, SigLIP with its old prefix.

    The vocabulary is saved with `padding` more rows than the tokenizer has tokens.
    """
    torch.manual_seed(0)
    tokenizer = write_tokenizer(root / "llm")
    Qwen2ForCausalLM(
        Qwen2Config(
            vocab_size=len(tokenizer) + padding,
            hidden_size=WIDTH,
            intermediate_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            num_key_value_heads=1,
        )
    ).save_pretrained(root / "llm")

    weights: dict[str, Tensor] = {}
    for layer, shape in PROJECTORS[projector].items():
        weights[f"layers.{layer}weight"] = torch.randn(*shape[::-1]) / shape[0] ** 0.5
        weights[f"layers.{layer}bias"] = torch.randn(shape[-1])
    write_part(root / "mm_projector", {"mm_projector_type": projector, "model_type": "v2l_projector"}, weights)

    write_tower(root / "vision_tower")
    top = {"model_type": "llava_llama", "image_aspect_ratio": "dynamic", "mm_vision_select_layer": -2}
    (root / "config.json").write_text(json.dumps(top))
    return root


def write_tower(folder: Path) -> None:
    """Write SigLIP with the prefix of its old keys."""
    config = SiglipVisionConfig(
        hidden_size=CHANNELS,
        intermediate_size=24,
        num_hidden_layers=3,
        num_attention_heads=2,
        image_size=32,
        patch_size=32 // GRID,
        vision_use_head=False,
    )
    tower = SiglipVisionModel(config)
    old = {f"vision_model.{key}": value for key, value in tower.state_dict().items()}
    write_part(folder, {**config.to_dict(), "torch_dtype": "bfloat16"}, old)


def write_tokenizer(folder: Path) -> PreTrainedTokenizerFast:
    """Write a byte-level tokenizer, and return it."""
    specials = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<image>"]
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    bpe.train_from_iterator([HEAD + TAIL], trainers.BpeTrainer(special_tokens=specials, initial_alphabet=alphabet))
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=bpe, eos_token="<|im_end|>", pad_token="<|endoftext|>")
    tokenizer.save_pretrained(folder)
    return tokenizer


def write_part(part: Path, config: dict[str, object], weights: dict[str, Tensor]) -> None:
    """Write `config.json` and `model.safetensors`."""
    part.mkdir(parents=True)
    (part / "config.json").write_text(json.dumps(config))
    save_file({key: value.contiguous() for key, value in weights.items()}, part / "model.safetensors")
