"""A vision tower and a language model of transformers, put together: equal to the stock classes composed by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor
from transformers import (
    AutoModelForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    PaliGemmaConfig,
    PaliGemmaForConditionalGeneration,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
    SiglipConfig,
    SiglipModel,
    SiglipVisionConfig,
    SiglipVisionModel,
)

from models.sr3d.bases import assemble
from tests.support.folders.nvila_folder import write_tokenizer
from tests.support.sr3d import pixels, two_regions

SIZES = {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2}
VISION = SiglipVisionConfig(**{**SIZES, "hidden_size": 12}, image_size=32, patch_size=8)
LANGUAGES = {"qwen2": (Qwen2Config, Qwen2ForCausalLM), "qwen3": (Qwen3Config, Qwen3ForCausalLM)}
LANGUAGES["llama"] = (LlamaConfig, LlamaForCausalLM)


def write_language(folder: Path, kind: str) -> Path:
    tokenizer = write_tokenizer(folder)
    config, model = LANGUAGES[kind]
    torch.manual_seed(1)
    heads = {"num_key_value_heads": 1, "head_dim": 8}
    model(config(vocab_size=len(tokenizer), **SIZES, **heads, eos_token_id=tokenizer.eos_token_id)).save_pretrained(
        folder
    )
    return folder


def write_vision(folder: Path, kind: str) -> Path:
    torch.manual_seed(2)
    if kind == "siglip":
        SiglipModel(
            SiglipConfig(text_config={**SIZES, "vocab_size": 8}, vision_config=VISION.to_dict())
        ).save_pretrained(folder)
    elif kind == "siglip_vision":
        SiglipVisionModel(VISION).save_pretrained(folder)
    else:
        text = {"model_type": "gemma", "vocab_size": 8, **SIZES, "num_key_value_heads": 1, "head_dim": 8}
        gemma = PaliGemmaConfig(vision_config=VISION.to_dict(), text_config=text, projection_dim=16)
        PaliGemmaForConditionalGeneration(gemma).save_pretrained(folder)
    return folder


def stock_tower(folder: Path, kind: str) -> torch.nn.Module:
    if kind == "siglip":
        return SiglipModel.from_pretrained(folder).vision_model
    if kind == "siglip_vision":
        return SiglipVisionModel.from_pretrained(folder)
    return PaliGemmaForConditionalGeneration.from_pretrained(folder).model.vision_tower


@pytest.mark.parametrize(
    ("vision", "language"),
    [("siglip", "qwen2"), ("siglip_vision", "qwen3"), ("paligemma", "llama")],
)
def test_logits_equal_those_of_the_parts_composed_by_hand(tmp_path: Path, vision: str, language: str) -> None:
    eyes, words = write_vision(tmp_path / "vision", vision), write_language(tmp_path / "language", language)
    model, processor = assemble(eyes, words)
    batch = processor(text="How far?", videos=pixels(0, 2))
    tower, llm = stock_tower(eyes, vision).eval(), AutoModelForCausalLM.from_pretrained(words).eval()
    tokenizer = PreTrainedTokenizerFast.from_pretrained(words)

    def text(content: str) -> Tensor:
        embedded: Tensor = llm.get_input_embeddings()(tokenizer(content, return_tensors="pt")["input_ids"])[0]
        return embedded

    with torch.no_grad():
        hidden = tower(batch["pixel_values"], output_hidden_states=True).hidden_states[-2]
        frames = [part for frame in model.projector(hidden) for part in (frame, text("\n"))]
        expected = llm(inputs_embeds=torch.cat([*frames, text("How far?")])[None]).logits
        torch.testing.assert_close(model(**batch).logits, expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_text_alone_is_answered_as_by_the_language_model(tmp_path: Path, language: str) -> None:
    eyes, words = write_vision(tmp_path / "vision", "siglip"), write_language(tmp_path / "language", language)
    tokenizer = PreTrainedTokenizerFast.from_pretrained(words)
    tokenizer.chat_template = "{% for m in messages %}{{ m['content'] }}<|im_end|>{% endfor %}"
    tokenizer.save_pretrained(words)
    model, processor = assemble(eyes, words)
    tokens = model.generate(**processor(text="Who are you?"), max_new_tokens=8, do_sample=False)
    ids = tokenizer("Who are you?<|im_end|>", return_tensors="pt")["input_ids"]
    llm = AutoModelForCausalLM.from_pretrained(words)
    expected = llm.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=8, do_sample=False)
    assert torch.equal(tokens, expected)


def test_it_is_saved_as_one_folder_that_answers_about_regions(tmp_path: Path) -> None:
    model, processor = assemble(
        write_vision(tmp_path / "vision", "siglip"),
        write_language(tmp_path / "language", "qwen2"),
        projector="pool",
        projector_factor=2,
        position_encoding=False,
    )
    model.save_pretrained(tmp_path / "base")
    again = type(model).from_pretrained(tmp_path / "base")
    assert not again.config.region_extractor_trained
    batch = processor(text="What is <region0> beside <region1>?", videos=pixels(0, 2), regions=two_regions())
    assert torch.equal(again.generate(**batch, max_new_tokens=3), model.generate(**batch, max_new_tokens=3))


def test_a_language_model_is_no_vision_tower(tmp_path: Path) -> None:
    words = write_language(tmp_path / "language", "qwen2")
    with pytest.raises(ValueError, match="a vision tower needs patches of a picture of one size, qwen2 has none"):
        assemble(words, words)
    with pytest.raises(ValueError, match="is a siglip, not a causal language model"):
        assemble(words, write_vision(tmp_path / "vision", "siglip"))
