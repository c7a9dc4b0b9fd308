"""Encoding of a constant prompt by a model's own text encoder, once: the result is kept."""

from __future__ import annotations

import hashlib
import inspect
import json
import os
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from scenes.storage.atomic import new_file

FORMAT = 1  # of what is kept


def encoded_prompt(pipeline: Any, folder: str | Path, prompt: str = "", **options: Any) -> list[Tensor]:
    """Encode a prompt with the text encoder of a diffusers checkpoint folder, as its pipeline does.

    The encoder, gigabytes for most models, is loaded here and freed afterwards. What the pipeline returns is kept in
    `cache_folder`, so that the next time nothing is loaded.

    Returns:
        The tensors that the pipeline returns, without those that are None.

    Raises:
        FileNotFoundError: If the folder has no text encoder.
        ImportError: If its tokenizer needs a package that is not installed.
    """

    def encode() -> list[Tensor]:
        need_tokenizer_packages(Path(folder))
        without = {part: None for part in ("transformer", "transformer_2", "vae") if part in parts_of(pipeline)}
        try:
            loaded = pipeline.from_pretrained(folder, local_files_only=True, **without)
        except OSError as error:
            raise FileNotFoundError(f"no text encoder in '{folder}': {error}".splitlines()[0]) from error
        with torch.no_grad():
            encoded = loaded.encode_prompt(prompt, device="cpu", **options)
        return [value for value in encoded if value is not None]

    return kept(Path(folder), [pipeline.__name__, prompt, options], encode)


def need_tokenizer_packages(folder: Path) -> None:
    """Refuse a SentencePiece model without `tokenizer.json` where transformers cannot convert it.

    Raises:
        ImportError: A package of the extra "gen" is missing; transformers itself would ask for another one.
    """
    files = sorted(path for name in ("spiece.model", "tokenizer.model") for path in folder.rglob(name))
    for path in files:
        missing = [name for name in ("sentencepiece", "google.protobuf") if not _installed(name)]
        if missing and not path.with_name("tokenizer.json").is_file():
            packages = " and ".join(name.rpartition(".")[2] for name in missing)
            raise ImportError(f"{path} needs {packages}: pip install 'region4d[gen]'")


def _installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except (ModuleNotFoundError, ValueError):  # of `google`, or a module that was set to None
        return False


def kept(folder: Path, facts: list[Any], encode: Callable[[], list[Tensor]]) -> list[Tensor]:
    """Read what was kept under these facts and the text encoder of a folder; encode and keep it where nothing is."""
    identity = json.dumps([FORMAT, text_files(folder), facts], sort_keys=True)
    file = cache_folder() / "prompts" / f"{hashlib.sha256(identity.encode()).hexdigest()[:32]}.safetensors"
    if file.is_file():
        values = load_file(file)
        return [values[str(k)] for k in range(len(values))]
    encoded = encode()
    with new_file(file) as draft:
        save_file({str(k): value.contiguous() for k, value in enumerate(encoded)}, draft)
    return encoded


def text_files(folder: Path) -> list[tuple[str, int, int]]:
    """List the files of the text encoders and tokenizers of a checkpoint folder: name, bytes, time of change."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    stats = {path.relative_to(folder).as_posix(): path.stat() for path in files}
    return [
        (name, stat.st_size, stat.st_mtime_ns)
        for name, stat in stats.items()
        if name.startswith(("text_encoder", "tokenizer", "google/", "openai/"))
    ]


def cache_folder() -> Path:
    """Name the folder of what can be made again: `$REGION4D_CACHE`, or `region4d` in the user's cache."""
    if own := os.environ.get("REGION4D_CACHE"):
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "region4d"


def parts_of(pipeline: Any) -> set[str]:
    """List the components of a pipeline class."""
    return set(inspect.signature(pipeline.__init__).parameters)
