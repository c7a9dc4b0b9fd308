"""A random Open-Sora 2.0 checkpoint in the published files and keys, tiny or, on no device, of the published size."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import AutoencoderKLHunyuanVideo
from safetensors.torch import save_file
from torch import Tensor
from transformers import T5Config, T5EncoderModel

from tests.support.checkpoints.hunyuan_video import clip_text, clip_tokenizer
from tests.support.checkpoints.wan import WORDS, t5_tokenizer


@dataclass(frozen=True)
class Sizes:
    hidden: int = 64
    head: int = 32
    packed: int = 16
    text: int = 16
    pooled: int = 8
    double: int = 2
    single: int = 2


TINY = Sizes()
PUBLISHED = Sizes(hidden=3072, head=128, packed=64, text=4096, pooled=768, double=19, single=38)


def linears(sizes: Sizes, fused: bool) -> dict[str, tuple[int, int]]:
    """List the linear layers by their published names: outputs, inputs."""
    d, mlp = sizes.hidden, 4 * sizes.hidden
    found = {
        "img_in": (d, sizes.packed),
        "cond_in": (d, sizes.packed + 4),
        "txt_in": (d, sizes.text),
        "time_in.in_layer": (d, 256),
        "time_in.out_layer": (d, d),
        "vector_in.in_layer": (d, sizes.pooled),
        "vector_in.out_layer": (d, d),
        "final_layer.linear": (sizes.packed, d),
        "final_layer.adaLN_modulation.1": (2 * d, d),
    }
    for k in range(sizes.double):
        for stream in ("img", "txt"):
            key = f"double_blocks.{k}.{stream}"
            joint = {"qkv": (3 * d, d)} if fused else {"q_proj": (d, d), "k_proj": (d, d), "v_proj": (d, d)}
            found |= {f"{key}_attn.{name}": shape for name, shape in (joint | {"proj": (d, d)}).items()}
            found |= {f"{key}_mod.lin": (6 * d, d), f"{key}_mlp.0": (mlp, d), f"{key}_mlp.2": (d, mlp)}
    for k in range(sizes.single):
        joint = {"linear1": (3 * d + mlp, d)} if fused else {"q_proj": (d, d), "k_proj": (d, d), "v_mlp": (d + mlp, d)}
        found |= {f"single_blocks.{k}.{name}": shape for name, shape in joint.items()}
        found |= {f"single_blocks.{k}.linear2": (d, d + mlp), f"single_blocks.{k}.modulation.lin": (3 * d, d)}
    return found


def state(sizes: Sizes = TINY, fused: bool = False, device: str = "cpu") -> dict[str, Tensor]:
    """Draw weights in the published keys; `fused` joins projections, as the training code can."""
    generator = None if device == "meta" else torch.Generator().manual_seed(0)

    def draw(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator, device=device) / shape[-1] ** 0.5

    found: dict[str, Tensor] = {}
    for name, (outputs, inputs) in linears(sizes, fused).items():
        found |= {f"{name}.weight": draw(outputs, inputs), f"{name}.bias": draw(outputs)}
    norms = [f"double_blocks.{k}.{stream}_attn" for k in range(sizes.double) for stream in ("img", "txt")]
    for key in [*norms, *(f"single_blocks.{k}" for k in range(sizes.single))]:
        found |= {f"{key}.norm.{which}_norm.scale": 1 + draw(sizes.head) for which in ("query", "key")}
    return found


def open_sora(folder: Path, fused: bool = False) -> Path:
    """Write the published files."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file(state(fused=fused), folder / "Open_Sora_v2.safetensors")
    torch.manual_seed(0)
    vae = AutoencoderKLHunyuanVideo(latent_channels=4, block_out_channels=(32, 32, 32, 32), layers_per_block=1)
    save_file(vae.state_dict(), folder / "hunyuan_vae.safetensors")
    t5 = T5EncoderModel(T5Config(vocab_size=len(WORDS), d_model=16, d_kv=4, d_ff=32, num_layers=1, num_heads=4))
    for part, model, tokens in (
        ("google/t5-v1_1-xxl", t5, t5_tokenizer()),
        ("openai/clip-vit-large-patch14", clip_text(8), clip_tokenizer()),
    ):
        model.save_pretrained(folder / part)
        tokens.save_pretrained(folder / part)
    return folder
