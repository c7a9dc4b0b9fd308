"""Damage to checkpoint folders: one change to one file, chosen by a seeded generator, as accidents and attacks do."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from types import FrameType
from typing import Any

import torch
from safetensors.torch import load_file, save_file

LOADED, REFUSED = "loaded and usable", "refused in one line"
WEIGHTS = "model.safetensors"
VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 3, 17, 2**31, 10**9, 10**18, 10**400, 0.5, -2.5, 1e30, float("nan"), float("inf")),
    *("", "0", "sr3d", "qwen2", "../../x", "é" * 300, [], [0], [1, 2, 3], ["a"], {}, {"a": 1}, [[]], [None]),
)
DTYPES = (torch.float16, torch.bfloat16, torch.float64, torch.int64, torch.uint8, torch.bool)


def mutate(folder: Path, random: Random) -> str:
    """Change one file of a folder, and say what was done."""
    kinds: list[Callable[[Path, Random], str]] = [_bytes, _bytes, _tensor, _tensor, _tensor, _field, _field, _field]
    return random.choice([*kinds, _document])(folder, random)


def _bytes(folder: Path, random: Random) -> str:
    file = random.choice(sorted(folder.iterdir()))
    content = bytearray(file.read_bytes())
    kind = random.choice(("removed", "emptied", "cut", "longer", "flipped", "header"))
    if kind == "removed":
        file.unlink()
        return f"{file.name} removed"
    if kind == "header" and file.name == WEIGHTS:
        content[:8] = random.choice((0, 1, 7, 10**6, 2**31, 2**40, 2**63, 2**64 - 1)).to_bytes(8, "little")
    elif kind == "emptied":
        content.clear()
    elif kind == "cut":
        del content[random.randrange(len(content)) :]
    elif kind == "longer":
        content += random.randbytes(random.choice((1, 8, 1000)))
    else:
        for _ in range(random.choice((1, 1, 4))):
            content[random.randrange(min(len(content), random.choice((16, 2000, 10**9))))] ^= 1 << random.randrange(8)
    file.write_bytes(content)
    return f"{file.name} {kind}"


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


def _field(folder: Path, random: Random) -> str:
    file = random.choice(_configs(folder))
    content = json.loads(file.read_text())
    places = list(_places(content))
    if not places:
        return f"{file.name} unchanged"
    holder, key = random.choice(places)
    if random.random() < 0.2:
        del holder[key]
        said = "removed"
    else:
        value = random.choice(VALUES)
        holder[key], said = value, f"= {str(value)[:40]!r}"
    file.write_text(json.dumps(content))
    return f"{file.name} {key} {said}"


def _document(folder: Path, random: Random) -> str:
    file = random.choice(_configs(folder))
    deep = random.choice(("[", '{"a":')) * random.choice((500, 100_000))
    text = random.choice(
        ("[]", "3", "null", '"text"', "{}", "NaN", deep, '{"model_type": "vit"}', "[" * 900 + "]" * 900)
    )
    file.write_text(text)
    return f"{file.name} is {text[:24]!r}"


def _configs(folder: Path) -> list[Path]:
    """List the JSON files, config.json as often as all others."""
    others = [file for file in sorted(folder.glob("*.json")) if file.name != "config.json"]
    return [*others, *[folder / "config.json"] * max(1, len(others))]


def _places(content: Any) -> Iterator[tuple[Any, Any]]:
    """List holder and key of every value in a document, the first three of long lists."""
    if isinstance(content, dict | list):
        keys = list(content) if isinstance(content, dict) else range(min(3, len(content)))
        for key in keys:
            yield content, key
            yield from _places(content[key])


class StuckError(BaseException):
    """A case did not end in time."""


@contextmanager
def within(seconds: int) -> Iterator[None]:
    """Interrupt what takes longer."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise StuckError(f"no end in {seconds} s")

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def outcome(load: Callable[[Path], Any], use: Callable[[Any], Any], folder: Path) -> str:
    """Load a folder and use what it holds: LOADED, REFUSED, or a description of what must not happen."""
    try:
        with within(8):
            loaded = load(folder)
    except (ValueError, OSError, ImportError) as error:
        said = str(error)
        if "\n" in said.strip():
            return f"more than one line: {said!r}"
        return REFUSED if folder.name in said else f"does not name its file: {type(error).__name__}: {said}"
    except (Exception, StuckError) as error:  # noqa: BLE001 - these are what is looked for
        return f"ends otherwise: {type(error).__name__}: {str(error)[:200]}"
    try:
        with within(8):
            use(loaded)
    except (Exception, StuckError) as error:  # noqa: BLE001 - as above
        return f"is not usable: {type(error).__name__}: {str(error)[:200]}"
    return LOADED
