"""Damage to files of any format: one change, chosen by a seeded generator, as accidents and attacks do."""

from __future__ import annotations

import gzip
import json
import lzma
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 3, 17, 2**31, 10**9, 10**18, 10**400, 0.5, -2.5, 1e30, float("nan"), float("inf")),
    *("", "0", "sr3d", "qwen2", "../../x", "é" * 300, [], [0], [1, 2, 3], ["a"], {}, {"a": 1}, [[]], [None]),
)
WORDS = ("", "nan", "-inf", "1e999", "-1", "0", "9" * 400, "x", "../x", "\t", "é", "1,5", "#", "0x10", "²", "\0")
JSON, TEXT = {".json", ".jsonl"}, {".txt", ".log", ".tsv", ".csv", ".yaml", ".yml"}
OPENERS: dict[str, Any] = {".jgz": gzip.open, ".gz": gzip.open, ".xz": lzma.open}
ARRAYS = ("object", "<U3", "complex64", "float16", "bool", "int64")


def damage(folder: Path, random: Random) -> str:
    """Change one file below a folder, and say what was done."""
    file = random.choice(sorted(path for path in folder.rglob("*") if path.is_file()))
    kinds: list[Callable[[Path, Random], str]] = [damage_bytes]
    if file.suffix in JSON or file.suffix in OPENERS:
        kinds = [damage_bytes, _field, _field, _field, _document]
    elif file.suffix in TEXT:
        kinds = [damage_bytes, _word, _word, _line]
    elif file.suffix == ".npy":
        kinds = [damage_bytes, _array, _array]
    said = random.choice(kinds)(file, random)
    return f"{file.relative_to(folder)} {said}"


def damage_bytes(file: Path, random: Random) -> str:
    """Remove, empty, cut or lengthen a file, or turn some of its bits."""
    content = bytearray(file.read_bytes())
    kind = random.choice(("removed", "emptied", "cut", "longer", "turned", "turned", "header"))
    if kind == "removed":
        file.unlink()
        return kind
    if kind == "header" and file.suffix == ".safetensors":
        content[:8] = random.choice((0, 1, 7, 10**6, 2**31, 2**40, 2**63, 2**64 - 1)).to_bytes(8, "little")
    elif kind == "emptied":
        content.clear()
    elif kind == "cut":
        del content[random.randrange(max(1, len(content))) :]
    elif kind == "longer":
        content += random.randbytes(random.choice((1, 8, 1000)))
    elif content:
        for _ in range(random.choice((1, 1, 4))):
            content[random.randrange(min(len(content), random.choice((16, 2000, 10**9))))] ^= 1 << random.randrange(8)
    file.write_bytes(content)
    return kind


def places(content: Any) -> Iterator[tuple[Any, Any]]:
    """List holder and key of every value in a document, the first three of long lists."""
    if isinstance(content, dict | list):
        keys = list(content) if isinstance(content, dict) else range(min(3, len(content)))
        for key in keys:
            yield content, key
            yield from places(content[key])


def change_value(content: Any, random: Random) -> str:
    """Remove a value of a document, or put another one in its place."""
    found = list(places(content))
    if not found:
        return "unchanged"
    holder, key = random.choice(found)
    if random.random() < 0.2:
        del holder[key]
        return f"{key} removed"
    holder[key] = random.choice(VALUES)
    return f"{key} = {str(holder[key])[:40]!r}"


def other_document(random: Random) -> str:
    """Choose a text that is no document of any format, or a very deep one."""
    deep = random.choice(("[", '{"a":')) * random.choice((500, 100_000))
    return random.choice(
        ("[]", "3", "null", '"text"', "{}", "NaN", deep, '{"model_type": "vit"}', "[" * 900 + "]" * 900)
    )


def _field(file: Path, random: Random) -> str:
    lines = _read(file).splitlines() or [""]
    number = random.randrange(len(lines)) if file.suffix != ".json" else 0
    content = json.loads(_read(file) if file.suffix == ".json" else lines[number])
    said = change_value(content, random)
    lines[number] = json.dumps(content)
    _write(file, lines[0] if file.suffix == ".json" else "\n".join(lines) + "\n")
    return f"line {number}: {said}"


def _document(file: Path, random: Random) -> str:
    text = other_document(random)
    _write(file, text)
    return f"is {text[:24]!r}"


def _word(file: Path, random: Random) -> str:
    lines = _read(file).splitlines() or [""]
    number = random.randrange(len(lines))
    words = lines[number].split(" ")
    place, word = random.randrange(len(words)), random.choice(WORDS)
    words[place] = word
    lines[number] = " ".join(words)
    _write(file, "\n".join(lines) + "\n")
    return f"word {place} of line {number} is {word[:20]!r}"


def _line(file: Path, random: Random) -> str:
    lines = _read(file).splitlines() or [""]
    number, kind = random.randrange(len(lines)), random.choice(("removed", "twice", "long", "shuffled"))
    if kind == "removed":
        del lines[number]
    elif kind == "twice":
        lines.insert(number, lines[number])
    elif kind == "long":
        lines[number] *= 10_000
    else:
        random.shuffle(lines)
    _write(file, "\n".join(lines) + "\n")
    return f"line {number} {kind}"


def _array(file: Path, random: Random) -> str:
    array = np.load(file)
    kind = random.choice(("flat", "empty", "nan", "three", "type", "archive", "header"))
    if kind == "header":
        content = file.read_bytes()
        claim = f"({random.choice(('1', '-1', '10')) + '0' * random.choice((1, 15))}, 2)".encode()
        file.write_bytes(content.replace(str(array.shape).encode(), claim))
        return f"claims {claim.decode()}"
    if kind == "archive":
        with file.open("wb") as stream:
            np.savez(stream, array)
        return "is an archive"
    if kind == "nan":
        array = np.full_like(array, np.nan, dtype=np.float32)
    elif kind == "type":
        array = array.astype(random.choice(ARRAYS))
    else:
        array = {"flat": array.ravel(), "empty": array[:0], "three": array[None]}[kind]
    np.save(file, array)
    return f"{kind} {array.dtype}"


def _read(file: Path) -> str:
    with OPENERS.get(file.suffix, open)(file, "rt", encoding="utf-8") as stream:
        text: str = stream.read()
    return text


def _write(file: Path, text: str) -> None:
    with OPENERS.get(file.suffix, open)(file, "wt", encoding="utf-8") as stream:
        stream.write(text)
