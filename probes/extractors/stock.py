"""Loading a transformers or timm checkpoint folder: its model, and its normalisation of pixels."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from transformers import AutoConfig, AutoModel

from models.checkpoint_files import NO_CODE

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
UNUSED_PARTS = {"pooler", "head", "mask_token", "predictor"}  # features do not depend on them


def load_stock(
    folder: str | Path, dtype: torch.dtype, types: Sequence[str] | None = None, **overrides: Any
) -> Any:  # transformers is half typed
    """Load the model of a local transformers checkpoint folder, or of a timm one.

    Args:
        folder: folder with config.json and weights.
        dtype: type of the loaded weights.
        types: accepted model types; None accepts all.
        overrides: entries of the config to replace.

    Raises:
        FileNotFoundError: If the folder is missing or incomplete.
        ValueError: If it holds another model, or weights that do not fit its config.
    """
    if not (Path(folder) / "config.json").is_file():
        raise FileNotFoundError(
            f"no config.json in '{folder}': give a transformers folder (`hf download NAME --local-dir FOLDER`)"
        )
    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True, **NO_CODE, **overrides)
    except ValueError as error:
        raise ValueError(f"'{folder}' holds a model that transformers does not know: {one_line(error)}") from error
    if types is not None and config.model_type not in types:
        raise ValueError(
            f"'{folder}' holds a {config.model_type}, not a {' or '.join(types)}: choose the extractor of that model"
        )
    try:
        model, report = AutoModel.from_pretrained(
            folder,
            config=config,
            dtype=dtype,
            local_files_only=True,
            use_safetensors=True,
            output_loading_info=True,
            **NO_CODE,
        )
    except OSError as error:
        raise FileNotFoundError(f"'{folder}' is incomplete: {one_line(error)}") from error
    except (ValueError, RuntimeError) as error:
        raise ValueError(f"'{folder}' does not fit its config.json: {one_line(error)}") from error
    if missing := sorted(key for key in report["missing_keys"] if not UNUSED_PARTS & set(key.split("."))):
        raise ValueError(f"'{folder}' has no weights for {len(missing)} parameters of its model, first {missing[0]}")
    return model.eval()


def pixel_statistics(folder: str | Path) -> Float[Tensor, "2 3"]:
    """Read the mean and standard deviation of pixels that a checkpoint was trained with; default to ImageNet's."""
    for file, mean, std in (
        ("preprocessor_config.json", "image_mean", "image_std"),
        ("video_preprocessor_config.json", "image_mean", "image_std"),
        ("config.json", "mean", "std"),  # timm
    ):
        path = Path(folder) / file
        config = json.loads(path.read_text()) if path.is_file() else {}
        config = config.get("pretrained_cfg", config)
        if mean in config and std in config:
            return torch.tensor([config[mean], config[std]])
    return torch.tensor(IMAGENET)


def normalise(
    video: Float[Tensor, "*clip time 3 height width"], statistics: Float[Tensor, "2 3"]
) -> Float[Tensor, "*clip time 3 height width"]:
    """Standardise the pixels of each colour channel."""
    mean, std = statistics.to(video)[..., None, None].unbind()
    return (video - mean) / std


def one_line(error: Exception) -> str:
    """Shorten an error to the first line of its text."""
    return str(error).strip().splitlines()[0]
