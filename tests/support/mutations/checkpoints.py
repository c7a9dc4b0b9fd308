"""Damage to checkpoint folders: one change to one file, chosen by a seeded generator, as accidents and attacks do."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from random import Random

import torch
from safetensors.torch import load_file, save_file

from tests.support.mutations.files import change_value, damage_bytes, other_document

WEIGHTS = "model.safetensors"
DTYPES = (torch.float16, torch.bfloat16, torch.float64, torch.int64, torch.uint8, torch.bool)


def mutate(folder: Path, random: Random) -> str:
    """Change one file of a folder, and say what was done."""
    kinds: list[Callable[[Path, Random], str]] = [_bytes, _bytes, _tensor, _tensor, _tensor, _field, _field, _field]
    return random.choice([*kinds, _document])(folder, random)


def _tensor(folder: Path, random: Random) -> str:
    file = folder / WEIGHTS
    weights = load_file(file)
    name = random.choice(sorted(weights))
    tensor = weights.pop(name)
    kind = random.choice(("removed", "renamed", "added", "transposed", "wider", "flat", "empty", "nan", "inf", "dtype"))
    if kind == "renamed":
        weights[random.choice((f"model.{name}", f"{name}2", name[1:], name.upper()))] = tensor
    elif kind == "added":
        weights |= {name: tensor, f"{name}.extra": tensor.clone()}
    elif kind == "transposed":
        weights[name] = tensor.T.contiguous() if tensor.ndim == 2 else tensor[None]
    elif kind == "wider":
        weights[name] = torch.cat([tensor, tensor]) if tensor.ndim else tensor.repeat(2)
    elif kind == "flat":
        weights[name] = tensor.flatten()[:-1].clone()
    elif kind == "empty":
        weights[name] = tensor.flatten()[:0].clone()
    elif kind in ("nan", "inf"):
        weights[name] = tensor.clone()
        weights[name].view(-1)[random.randrange(tensor.numel())] = float(kind)
    elif kind == "dtype":
        dtype = random.choice(DTYPES)
        weights[name], kind = tensor.to(dtype), str(dtype)
    save_file(weights, file, {"format": "pt", "kind": "region4d lifting model"})
    return f"{name} {kind}"


def _bytes(folder: Path, random: Random) -> str:
    file = random.choice(sorted(folder.iterdir()))
    return f"{file.name} {damage_bytes(file, random)}"


def _field(folder: Path, random: Random) -> str:
    file = random.choice(_configs(folder))
    content = json.loads(file.read_text())
    said = change_value(content, random)
    file.write_text(json.dumps(content))
    return f"{file.name} {said}"


def _document(folder: Path, random: Random) -> str:
    file, text = random.choice(_configs(folder)), other_document(random)
    file.write_text(text)
    return f"{file.name} is {text[:24]!r}"


def _configs(folder: Path) -> list[Path]:
    """List the JSON files, config.json as often as all others."""
    others = [file for file in sorted(folder.glob("*.json")) if file.name != "config.json"]
    return [*others, *[folder / "config.json"] * max(1, len(others))]
