"""Encoding of the empty prompt by a model's own text encoder."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import torch


def empty_prompt(pipeline: Any, folder: str | Path, **options: Any) -> Any:
    """Encode the empty prompt with the text encoder of a diffusers checkpoint folder, as its pipeline does.

    The encoder, gigabytes for most models, is loaded here and freed afterwards.

    Raises:
        FileNotFoundError: If the folder has no text encoder.
    """
    without = {part: None for part in ("transformer", "transformer_2", "vae") if part in parts_of(pipeline)}
    try:
        loaded = pipeline.from_pretrained(folder, local_files_only=True, **without)
    except OSError as error:
        raise FileNotFoundError(f"no text encoder in '{folder}': {error}".splitlines()[0]) from error
    with torch.no_grad():
        return loaded.encode_prompt("", device="cpu", **options)


def parts_of(pipeline: Any) -> set[str]:
    """List the components of a pipeline class."""
    return set(inspect.signature(pipeline.__init__).parameters)
