"""The published files of Open-Sora 2.0: their paths, and loading them as diffusers models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKLHunyuanVideo, FluxTransformer2DModel
from safetensors.torch import load_file
from torch import Tensor, nn
from transformers import AutoTokenizer, CLIPTextModel, T5EncoderModel

from probes.extractors.diffusion.open_sora.keys import to_diffusers, transformer_config
from probes.extractors.diffusion.text import kept, need_tokenizer_packages


@dataclass(frozen=True)
class OpenSoraFiles:
    """Weights of the transformer and of the autoencoder; folders of the text encoders."""

    transformer: Path
    autoencoder: Path
    t5: Path
    clip: Path


def find_files(folder: str | Path) -> OpenSoraFiles:
    """Find the files of hpcai-tech/Open-Sora-v2.

    Raises:
        FileNotFoundError: If one of them is missing.
    """
    root = Path(folder)
    files = OpenSoraFiles(
        transformer=root / "Open_Sora_v2.safetensors",
        autoencoder=root / "hunyuan_vae.safetensors",
        t5=root / "google" / "t5-v1_1-xxl",
        clip=root / "openai" / "clip-vit-large-patch14",
    )
    for path in (files.transformer, files.autoencoder, files.t5 / "config.json", files.clip / "config.json"):
        if not path.is_file():
            raise FileNotFoundError(
                f"no {path.relative_to(root)} in '{folder}': `hf download hpcai-tech/Open-Sora-v2 --local-dir {folder}`"
            )
    return files


def encoded_prompts(files: OpenSoraFiles, prompt: str) -> dict[str, Tensor]:
    """Encode a prompt once: the states of T5 for the tokens, the pooled state of CLIP for the modulation."""

    def encode_both() -> list[Tensor]:
        return [
            encode(T5EncoderModel, files.t5, prompt, 512).last_hidden_state,
            encode(CLIPTextModel, files.clip, prompt, 77).pooler_output,
        ]

    states, pooled = kept(files.transformer.parent, ["open_sora", prompt], encode_both)
    return {"encoder_hidden_states": states, "pooled_projections": pooled}


def encode(encoder: Any, folder: Path, prompt: str, length: int) -> Any:
    """Encode a prompt, padded to a length and not masked, as Open-Sora does."""
    need_tokenizer_packages(folder)
    try:
        tokens = AutoTokenizer.from_pretrained(folder, local_files_only=True)(
            prompt, padding="max_length", max_length=length, truncation=True, return_tensors="pt"
        )
        model = encoder.from_pretrained(folder, local_files_only=True).eval()
    except OSError as error:
        raise FileNotFoundError(f"{folder} is incomplete: {error}".splitlines()[0]) from error
    with torch.no_grad():
        return model(input_ids=tokens.input_ids)


def load_transformer(path: Path) -> Any:  # stock classes are half typed
    """Load the transformer.

    Raises:
        ValueError: If the file has other keys than the published one.
    """
    state = load_file(path)
    with torch.device("meta"):  # 11 billion weights: skip the random initialisation
        model: Any = FluxTransformer2DModel(**transformer_config(state))
    fill(model, to_diffusers(state), path)
    return model


def load_autoencoder(path: Path) -> Any:  # stock classes are half typed
    """Load the autoencoder of HunyuanVideo, whose keys are those of diffusers; widths are read off the weights.

    As in Open-Sora, it encodes all frames at once, in spatial tiles of 256 x 256 pixels.

    Raises:
        ValueError: If the file has other keys than the published one.
    """
    state = load_file(path)
    widths: list[int] = []
    while (key := f"encoder.down_blocks.{len(widths)}.resnets.0.norm2.weight") in state:
        widths.append(len(state[key]))
    layers = sum(f"encoder.down_blocks.0.resnets.{k}.norm2.weight" in state for k in range(len(state)))
    if len(widths) != 4 or "post_quant_conv.bias" not in state:
        raise ValueError(f"{path} is not HunyuanVideo's autoencoder: give hunyuan_vae.safetensors of Open-Sora 2.0")
    latents = len(state["post_quant_conv.bias"])
    with torch.device("meta"):
        model: Any = AutoencoderKLHunyuanVideo(
            block_out_channels=tuple(widths), layers_per_block=layers, latent_channels=latents
        )
    fill(model, state, path)
    model.use_framewise_encoding = False
    model.enable_tiling()
    return model


def fill(model: nn.Module, state: Mapping[str, Tensor], path: Path) -> None:
    """Assign weights to a model.

    Raises:
        ValueError: If keys are missing or unknown, or a weight has another shape.
    """
    wanted = model.state_dict()
    missing, unknown = sorted(wanted.keys() - state.keys()), sorted(state.keys() - wanted.keys())
    other = sorted(key for key in wanted.keys() & state.keys() if wanted[key].shape != state[key].shape)
    faults = {"has no weights for": missing, "has unknown weights for": unknown, "is misshapen at": other}
    for fault, keys in faults.items():
        if keys:
            more = f" and {len(keys) - 1} more" if len(keys) > 1 else ""
            raise ValueError(f"{path} {fault} {keys[0]}{more}: download it again")
    model.load_state_dict(state, assign=True)
