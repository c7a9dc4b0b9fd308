"""The files of a checkpoint folder: weights as safetensors, JSON, and code, which is never run."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)
INDEX = "model.safetensors.index.json"
PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
NO_CODE = {"trust_remote_code": False}  # for `from_pretrained`, which else asks at the terminal, or waits there
LARGEST_JSON = 64_000_000  # bytes
COUNTS = ("layers", "depth", "blocks", "stages", "heads")  # in names of fields that count parts of a network
MOST_PARTS = 10_000  # of any model
CODE_FIELDS = ("auto_map", "trust_remote_code")  # of a config whose model is in files beside it


def weight_files(folder: Path) -> list[Path]:
    """List the files of weights (*.safetensors) in a folder.

    Raises:
        FileNotFoundError: There is none, or the index of the shards names one that is not there.
        ValueError: There are pickles alone, or the index cannot be read.
    """
    if (folder / INDEX).is_file():
        shards = read_json(folder / INDEX).get("weight_map")
        if not isinstance(shards, dict) or not shards:
            raise ValueError(f"{folder}/{INDEX} has no weight_map: download it again")
        names = sorted(set(shards.values()))
        if missing := [name for name in names if not (folder / name).is_file()]:
            raise FileNotFoundError(
                f"{folder}/{INDEX} names {missing[0]}, which is not there ({len(missing)} of {len(names)} files are "
                "missing): download it again"
            )
        return [folder / name for name in names]  # other files beside them are not of this model
    if files := sorted(folder.glob("*.safetensors")):
        return files
    if pickles := sorted(file.name for pattern in PICKLES for file in folder.glob(pattern)):
        raise ValueError(
            f"the weights in {folder} are a pickle ({pickles[0]}), which can run code and is not read: get or save "
            "them as safetensors"
        )
    raise FileNotFoundError(
        f"no weights (*.safetensors) in {folder}: download the whole repository; pickles (*.bin) are not read"
    )


def read_json(file: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is not a JSON object, larger or deeper than a config is, or has a number that no model has.
    """
    if not file.is_file():
        raise FileNotFoundError(f"no file {file}: get the whole folder")
    if (size := file.stat().st_size) > LARGEST_JSON:
        raise ValueError(f"{file} has {size} bytes, no config is so large: get the file again")
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        _refuse_wild_numbers(content, file)
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{file} is not JSON ({error}): get the file again") from None
    except RecursionError:
        raise ValueError(f"{file} is nested too deeply for a config: get the file again") from None
    if not isinstance(content, dict):
        raise ValueError(f"{file} holds a {type(content).__name__}, not an object with fields: get the file again")
    return content


def _refuse_wild_numbers(content: Any, file: Path, field: str = "") -> None:
    """Raise ValueError for a number that would make a network without end, such as 10^9 layers, and for NaN."""
    if isinstance(content, dict):
        for name, value in content.items():
            _refuse_wild_numbers(value, file, name)
    elif isinstance(content, list):
        for value in content:
            _refuse_wild_numbers(value, file, field)
    elif isinstance(content, int | float):
        most = MOST_PARTS if any(word in field for word in COUNTS) else float("inf")
        if not content <= most:
            raise ValueError(f"{file} has {field}={str(content)[:20]}, which no model has: get the file again")


def refuse_custom_code(folder: Path, known: dict[str, Any] | None = None) -> None:
    """Refuse a folder whose configs name code beside them, except the `known` `auto_map`.

    Raises:
        ValueError: A config has `auto_map` or `trust_remote_code`.
    """
    for file in sorted(folder.glob("*config.json")):
        content = read_json(file)
        for field in CODE_FIELDS:
            if content.get(field) and content[field] != known:
                raise ValueError(
                    f"{file} has {field}: code that comes with a checkpoint is never run here; remove the field if "
                    "the model is the one of transformers"
                )


def warn_of_code(folder: Path, known: str = "") -> None:
    """Warn of Python files in a folder, except the `known` one: they are not run."""
    if code := sorted(file.name for file in folder.glob("*.py") if file.name != known):
        log.warning("%s has Python files, which are not run: %s", folder, ", ".join(code))
