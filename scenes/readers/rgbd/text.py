"""Text files beside pictures: tables, matrices and JSON; whatever is in them, one clear line comes out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float64
from torch import Tensor


def read_text(path: Path) -> str:
    """Read a text file as UTF-8, with or without a byte-order mark.

    Raises:
        FileNotFoundError: there is no file.
        ValueError: the file is not text.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing")
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not a text file (UTF-8)") from error


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON file that holds an object.

    Raises:
        FileNotFoundError: there is no file.
        ValueError: the file is cut, not JSON, nested too deeply, or not an object.
    """
    try:
        content = json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is cut or not JSON") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path} holds a {type(content).__name__}, expected a JSON object")
    return content


def read_table(path: Path) -> list[list[str]]:
    """Split a text file into rows of words, without blank lines and # comments.

    Raises:
        FileNotFoundError: there is no file.
        ValueError: the file is not text.
    """
    lines = (line.split("#")[0].split() for line in read_text(path).splitlines())
    return [line for line in lines if line]


def read_numbers(path: Path, columns: int, form: str) -> Float64[Tensor, "row column"]:
    """Read a table of numbers, `columns` a row.

    Raises:
        FileNotFoundError: there is no file.
        ValueError: a row has other columns, or a word is not a number; the message says the `form` that is needed.
    """
    rows = read_table(path)
    if not rows or any(len(row) != columns for row in rows):
        raise ValueError(f"{path} has another form: need {form}")
    return numbers(rows, f"{path} has another form: need {form}")


def read_matrix(path: Path, rows: int, columns: int) -> Float64[Tensor, "row column"]:
    """Read a file of `rows` x `columns` numbers, on as many lines as it likes.

    Raises:
        FileNotFoundError: there is no file.
        ValueError: the file holds anything else.
    """
    words = [word for row in read_table(path) for word in row]
    if len(words) != rows * columns:
        raise ValueError(f"{path} has {len(words)} numbers, expected a matrix of {rows} x {columns}")
    return numbers([words], f"{path} is not a matrix of {rows} x {columns} numbers").reshape(rows, columns)


def numbers(values: Any, message: str) -> Float64[Tensor, "..."]:
    """Convert nested lists of numbers, or of words, to a tensor.

    Raises:
        ValueError: `message`; a value is not a number, or the lists have unequal lengths.
    """
    try:
        return torch.tensor(_floats(values), dtype=torch.float64)
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise ValueError(message) from error


def whole_number(value: int | float, message: str) -> int:
    """Convert a number to an integer.

    Raises:
        ValueError: `message`; it is not whole.
    """
    if not (float(value).is_integer() and abs(value) < 2**31):  # false for NaN and infinity
        raise ValueError(message)
    return int(value)


def _floats(values: Any) -> Any:
    if isinstance(values, list | tuple):
        return [_floats(value) for value in values]
    return float(values)
