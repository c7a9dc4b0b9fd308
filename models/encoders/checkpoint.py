"""Published checkpoints of encoders that no library provides: their keys, mapped to the names here."""

from __future__ import annotations

import pickle
import re
from collections.abc import Mapping, Set
from math import prod
from pathlib import Path
from typing import Any

import torch
from einops import rearrange
from torch import Tensor, nn

from models.checked_loading import read_weights
from models.checkpoint_files import read_json
from models.encoders.fast3r import Fast3R
from models.encoders.vjepa1 import VideoVisionTransformer

VJEPA1 = {
    "module.backbone.patch_embed.proj.": "patchify.",
    "module.backbone.pos_embed": "positions",
    "module.backbone.blocks.": "blocks.",
    "module.backbone.norm.": "norm.",
}
FAST3R = {
    "encoder.patch_embed.proj.": "patchify.",
    "encoder.enc_blocks.": "encoder.",
    "encoder.enc_norm.": "encoder_norm.",
    "decoder.decoder_embed.": "projection.",
    "decoder.image_idx_emb": "index_table",
    "decoder.dec_blocks.": "fusion.",
    "decoder.dec_norm.": "fusion_norm.",
}
FAST3R_HEADS = ("downstream_head.", "downstream_head_local.")
FAST3R_ARGUMENTS = {  # of the release; others would be another model
    "encoder_args": {"encoder_type": "croco", "pos_embed": "RoPE100", "mlp_ratio": 4},
    "decoder_args": {"decoder_type": "fast3r", "attn_bias_for_inference_enabled": False, "mlp_ratio": 4},
}


def load_vjepa1(
    path: str | Path, part: str = "target_encoder", trained: tuple[int, int] = (16, 384), heads: int = 16
) -> VideoVisionTransformer:
    """Load an encoder of V-JEPA from its published `.pth.tar`.

    Args:
        path: of the file.
        part: "target_encoder" (moving average, which V-JEPA's evaluations read) or "encoder" (which the study reads).
        trained: frames, and pixels along a side, of the clips that it was trained on.
        heads: attention heads, which the file does not tell; 16 in all of the release.

    Raises:
        FileNotFoundError: the file does not exist.
        ValueError: the file is not a V-JEPA encoder.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(
            f"no file '{path}': download a .pth.tar of V-JEPA there (github.com/facebookresearch/jepa)"
        )
    try:
        found = torch.load(path, map_location="cpu", mmap=True, weights_only=True)  # the optimiser stays on disk
    except (RuntimeError, pickle.UnpicklingError, EOFError) as error:
        raise ValueError(f"'{path}' is not a checkpoint that torch can read: {str(error).splitlines()[0]}") from error
    if not isinstance(found, dict) or part not in found:
        parts = sorted(map(str, found)) if isinstance(found, dict) else type(found).__name__
        raise ValueError(f"'{path}' has no {part!r}, it has {parts}: give a .pth.tar of V-JEPA")
    state = renamed(found[part], VJEPA1)
    if "patchify.weight" not in state or "positions" not in state:
        raise ValueError(f"{part!r} of '{path}' is not a V-JEPA encoder: it lacks patch_embed.proj or pos_embed")
    width, _, tubelet, patch, _ = state["patchify.weight"].shape
    grid = (trained[0] // tubelet, trained[1] // patch, trained[1] // patch)
    if state["positions"].shape[1] != prod(grid):
        raise ValueError(
            f"'{path}' has positions of {state['positions'].shape[1]} tokens, where clips of {trained[0]} frames and "
            f"{trained[1]} pixels have {prod(grid)}: set `trained` to what it was trained on"
        )
    state["positions"] = rearrange(state["positions"], "1 (s r c) d -> s r c d", s=grid[0], r=grid[1])
    depth = 1 + max((int(key.split(".")[1]) for key in state if re.match(r"blocks\.\d+\.", key)), default=-1)
    model = VideoVisionTransformer(width, depth, heads, grid, patch, tubelet)
    fill(model, state, path)
    return model


def load_fast3r(folder: str | Path) -> Fast3R:
    """Load Fast3R, without its heads, from its published folder (config.json, model.safetensors).

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: the folder is not Fast3R.
    """
    config, weights = Path(folder) / "config.json", Path(folder) / "model.safetensors"
    if missing := [path.name for path in (config, weights) if not path.is_file()]:
        raise FileNotFoundError(
            f"no {missing[0]} in '{folder}': `hf download jedyang97/Fast3R_ViT_Large_512 --local-dir FOLDER`"
        )
    arguments = read_json(config)
    for section, wanted in FAST3R_ARGUMENTS.items():
        given = arguments.get(section)
        if given is None:
            raise ValueError(f"'{config}' has no {section}: it is not Fast3R's")
        if other := [name for name, value in wanted.items() if given.get(name, value) != value]:
            raise ValueError(
                f"'{config}' has {section}.{other[0]} = {given[other[0]]!r}: only {wanted[other[0]]!r} is known here"
            )
    state = renamed(read_weights([weights]), FAST3R, FAST3R_HEADS)
    encoder, fusion = arguments["encoder_args"], arguments["decoder_args"]
    model = Fast3R(
        width=encoder["embed_dim"],
        depth=encoder["depth"],
        heads=encoder["num_heads"],
        fusion_width=fusion["embed_dim"],
        fusion_depth=fusion["depth"],
        fusion_heads=fusion["num_heads"],
        patch=encoder["patch_size"],
    )
    fill(model, state, weights, optional={"index_table"})  # a fixed table, which releases leave out
    return model


def renamed(state: Mapping[str, Tensor], names: Mapping[str, str], ignored: tuple[str, ...] = ()) -> dict[str, Tensor]:
    """Rename published keys by their beginning, and leave out what begins with `ignored`; unknown keys stay."""
    result = {}
    for key, value in state.items():
        if not key.startswith(ignored):
            begin = next((begin for begin in names if key.startswith(begin)), "")
            result[names.get(begin, "") + key.removeprefix(begin)] = value
    return result


def fill(model: nn.Module, state: Mapping[str, Tensor], source: Any, optional: Set[str] = frozenset()) -> None:
    """Load weights, and check that all of them fit.

    Raises:
        ValueError: weights are missing, unknown, or of another shape.
    """
    own = model.state_dict()
    problems = {
        "lacks": own.keys() - state.keys() - optional,
        "has unknown": state.keys() - own.keys(),
        "has otherwise shaped": {key for key in own.keys() & state.keys() if own[key].shape != state[key].shape},
    }
    for problem, keys in problems.items():
        if keys:
            raise ValueError(f"'{source}' {problem} weights: {min(keys)} and {len(keys) - 1} more")
    model.load_state_dict(state, strict=False)
