"""Small random Grounding DINO and OWLv2, written in the published layout."""

from __future__ import annotations

from pathlib import Path
from string import ascii_lowercase

import torch
from transformers import (
    BertTokenizerFast,
    CLIPTokenizer,
    GroundingDinoConfig,
    GroundingDinoForObjectDetection,
    GroundingDinoImageProcessor,
    GroundingDinoProcessor,
    Owlv2Config,
    Owlv2ForObjectDetection,
    Owlv2ImageProcessor,
    Owlv2Processor,
    SwinConfig,
)

SIDE = 64
NOISE = 0.03  # boxes stay in the picture, and scores differ by phrase


def write_owlv2(folder: Path) -> Path:
    """Write OWLv2, with a tokenizer of letters."""
    ends = ["<|startoftext|>", "<|endoftext|>"]
    vocabulary = [*ascii_lowercase, *(letter + "</w>" for letter in ascii_lowercase), *ends]
    vocab = {token: number for number, token in enumerate(vocabulary)}
    small = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    text = {**small, "vocab_size": len(vocab), "max_position_embeddings": 16}
    text |= {"bos_token_id": vocab[ends[0]], "eos_token_id": vocab[ends[1]], "pad_token_id": vocab[ends[1]]}
    config = Owlv2Config(
        text_config=text, vision_config={**small, "image_size": SIDE, "patch_size": 16}, projection_dim=32
    )
    _save(Owlv2ForObjectDetection, config, folder)
    pictures = Owlv2ImageProcessor(size={"height": SIDE, "width": SIDE})
    Owlv2Processor(pictures, CLIPTokenizer(vocab=vocab, merges=[], model_max_length=16)).save_pretrained(folder)
    return folder


def write_grounding_dino(folder: Path) -> Path:
    """Write Grounding DINO, with a tokenizer of letters."""
    folder.mkdir(parents=True, exist_ok=True)
    words = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        ".",
        "?",
        *ascii_lowercase,
        *("##" + c for c in ascii_lowercase),
    ]
    vocab = {word: number for number, word in enumerate(words)}
    backbone = SwinConfig(
        image_size=SIDE,
        patch_size=4,
        embed_dim=8,
        depths=[1, 1, 1, 1],
        num_heads=[1, 1, 2, 2],
        window_size=2,
        out_features=["stage2", "stage3", "stage4"],
    )
    text = {"model_type": "bert", "vocab_size": len(words), "hidden_size": 32, "intermediate_size": 32}
    text |= {"num_hidden_layers": 1, "num_attention_heads": 2, "max_position_embeddings": 64}
    config = GroundingDinoConfig(
        backbone_config=backbone,
        text_config=text,
        d_model=32,
        num_queries=8,
        encoder_layers=1,
        decoder_layers=2,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=32,
        decoder_ffn_dim=32,
        encoder_n_points=2,
        decoder_n_points=2,
        max_text_len=64,
    )
    _save(GroundingDinoForObjectDetection, config, folder)
    pictures = GroundingDinoImageProcessor(size={"shortest_edge": SIDE, "longest_edge": 2 * SIDE})
    GroundingDinoProcessor(pictures, BertTokenizerFast(vocab=vocab)).save_pretrained(folder)
    return folder


def _save(kind: type, config: object, folder: Path) -> None:
    torch.manual_seed(0)
    network = kind(config)
    with torch.no_grad():
        for weight in network.parameters():
            weight.add_(NOISE * torch.randn_like(weight))
    network.save_pretrained(folder)
