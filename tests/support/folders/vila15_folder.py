"""Tiny folders of VILA 1.5 with Llama 3, and of SpatialRGPT, in the published layout."""

import json
from pathlib import Path

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from torch import nn
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from tests.support.folders.nvila_folder import CHANNELS, PROJECTORS, WIDTH, write_part, write_tower

LLAMA3 = ("<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>")


def write_vila15(root: Path, regions: bool = False, specials: tuple[str, ...] = LLAMA3) -> Path:
    """Write the parts of VILA 1.5; with `regions`, those of SpatialRGPT, whose tokenizer has no mask tokens yet."""
    torch.manual_seed(0)
    size = len(_write_tokenizer(root / "llm", specials))
    config = LlamaConfig(
        vocab_size=size + 2,  # SpatialRGPT adds two tokens to its tokenizer when it is loaded
        hidden_size=WIDTH,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        initializer_range=0.3,
    )
    LlamaForCausalLM(config).save_pretrained(root / "llm")
    weights = {}
    for layer, shape in PROJECTORS["mlp_downsample"].items():
        weights[f"layers.{layer}weight"] = torch.randn(*shape[::-1]) / shape[0] ** 0.5
        weights[f"layers.{layer}bias"] = torch.randn(shape[-1])
    write_part(root / "mm_projector", {"mm_projector_type": "mlp_downsample"}, weights)
    write_tower(root / "vision_tower")
    top = {
        "architectures": ["LlavaLlamaModel"],
        "hidden_size": WIDTH,
        "image_aspect_ratio": "resize",
        "interpolate_mode": "linear",
        "llm_cfg": {},
        "mm_hidden_size": CHANNELS,
        "mm_projector_cfg": {},
        "mm_vision_select_feature": "cls_patch",
        "mm_vision_select_layer": -2,
        "model_type": "llava_llama",
        "num_video_frames": 8,
        "s2": False,
        "tune_vision_tower": True,
    }
    if regions:
        top |= {"enable_region": True, "enable_depth": True, "region_extractor_cfg": {}, "tune_region_extractor": True}
        _write_region_extractor(root / "region_extractor")
    (root / "config.json").write_text(json.dumps(top))
    return root


def _write_region_extractor(folder: Path) -> None:
    two = {number: nn.ConvTranspose2d(CHANNELS, CHANNELS, 2, 2) for number in (0, 3)}
    parts = {f"feature_refinement_module.{number}": part for number, part in two.items()}
    parts |= {f"{kind}_projector": nn.Linear(CHANNELS, WIDTH) for kind in ("rgb", "depth")}
    weights = {
        f"{name}.{key}": value.detach() for name, part in parts.items() for key, value in part.named_parameters()
    }
    weights["feature_refinement_module.1.weight"] = 1 + torch.rand(CHANNELS)
    weights["feature_refinement_module.1.bias"] = torch.rand(CHANNELS)
    write_part(folder, {"model_type": "region_extractor", "region_extractor_type": "regiongpt"}, weights)


def _write_tokenizer(folder: Path, specials: tuple[str, ...]) -> PreTrainedTokenizerFast:
    """Write a byte-level tokenizer; its chat template is Llama's own, which VILA does not use."""
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    bpe.train_from_iterator([], trainers.BpeTrainer(special_tokens=list(specials), initial_alphabet=alphabet))
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=bpe, bos_token=specials[0], eos_token=specials[1])
    tokenizer.chat_template = "{% for m in messages %}[{{ m['role'] }}] {{ m['content'] }}{% endfor %}"
    tokenizer.save_pretrained(folder)
    return tokenizer
