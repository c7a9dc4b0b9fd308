"""A tiny random V-JEPA in the layout of its published `.pth.tar`."""

from __future__ import annotations

from pathlib import Path

import torch

WIDTH, HEADS, DEPTH, PATCH = 48, 16, 2, 4  # the file does not tell the heads: 16, as in all of the release
GRID = (2, 3, 3)  # 4 frames of 12 pixels a side


def shapes() -> dict[str, tuple[int, ...]]:
    """List the published names of an encoder, without `module.backbone.`."""
    found: dict[str, tuple[int, ...]] = {
        "patch_embed.proj.weight": (WIDTH, 3, 2, PATCH, PATCH),
        "patch_embed.proj.bias": (WIDTH,),
        "pos_embed": (1, 18, WIDTH),
        "norm.weight": (WIDTH,),
        "norm.bias": (WIDTH,),
    }
    for k in range(DEPTH):
        for part, (outputs, inputs) in {
            "attn.qkv": (3 * WIDTH, WIDTH),
            "attn.proj": (WIDTH, WIDTH),
            "mlp.fc1": (4 * WIDTH, WIDTH),
            "mlp.fc2": (WIDTH, 4 * WIDTH),
        }.items():
            found |= {f"blocks.{k}.{part}.weight": (outputs, inputs), f"blocks.{k}.{part}.bias": (outputs,)}
        for norm in ("norm1", "norm2"):
            found |= {f"blocks.{k}.{norm}.weight": (WIDTH,), f"blocks.{k}.{norm}.bias": (WIDTH,)}
    return found


def vjepa1(folder: Path) -> Path:
    """Write both encoders, of different weights, beside the state of training that the release keeps."""
    generator = torch.Generator().manual_seed(0)
    encoders = {
        part: {
            # small embeddings, so that the number which norms add to the variance shows
            f"module.backbone.{name}": (0.002 if "embed" in name else 0.2) * torch.randn(shape, generator=generator)
            for name, shape in shapes().items()
        }
        for part in ("encoder", "target_encoder")
    }
    folder.mkdir(parents=True, exist_ok=True)
    torch.save(encoders | {"predictor": {}, "opt": {"state": {}}, "epoch": 300}, folder / "tiny.pth.tar")
    return folder
