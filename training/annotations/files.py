"""Files of training data, read line by line where a sample is needed: nothing but the places of lines is kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from training.annotations.line import Annotation, parse_line


class AnnotationFile:
    """A file of JSON lines. Opening it finds where its lines begin (8 bytes a line); blank lines are skipped.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it has no lines.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if not self.path.is_file():
            raise FileNotFoundError(f"no file of training data '{path}'")
        starts, numbers, place = [], [], 0
        with self.path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    starts.append(place)
                    numbers.append(number)
                place += len(line)
        if not starts:
            raise ValueError(f"{path} has no lines; write one JSON object a line")
        self.starts: Int64[Tensor, "line"] = torch.tensor(starts)
        self.numbers: Int64[Tensor, "line"] = torch.tensor(numbers)

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, index: int) -> Annotation:
        """Read and parse a line; ValueError names file and line."""
        with self.naming(index):
            return parse_line(self.line(index))

    def line(self, index: int) -> bytes:
        """Read a line as it is."""
        with self.path.open("rb") as file:
            file.seek(int(self.starts[index]))
            return file.readline()

    def where(self, index: int) -> str:
        """Name file and line, for errors."""
        return f"{self.path}:{int(self.numbers[index])}"

    @contextmanager
    def naming(self, index: int) -> Iterator[None]:
        """Let errors of input name file and line."""
        try:
            yield
        except (ValueError, OSError) as error:
            raise ValueError(f"{self.where(index)}: {error}") from error

    def weights(self) -> Float[Tensor, "line"]:
        """Read the sampling weight of every line, once through the file; ValueError as for a line."""
        with self.path.open("rb") as file:
            lines = (line for line in file if line.strip())
            named = [b'"weight"' in line for line in lines]
        return torch.tensor([self[index].weight if given else 1.0 for index, given in enumerate(named)])


def mixed_weights(files: Sequence[AnnotationFile], shares: Sequence[int | float]) -> Float[Tensor, "line"]:
    """Weigh the lines of several files, one after the other, so that each file takes its share of the samples.

    Raises:
        ValueError: a file has a share, but none of its lines a weight.
    """
    parts = []
    for file, share in zip(files, shares, strict=True):
        weights = file.weights().double()
        if share > 0 and not bool((weights > 0).any()):
            raise ValueError(f"{file.path}: every line has weight 0; give one a positive weight, or leave the file out")
        parts.append(weights * (share / weights.sum() if share > 0 else 0))
    return torch.cat(parts)


def read_texts(files: Iterable[str]) -> list[str]:
    """Read all questions and answers of files, for a tokenizer of their words; ValueError as for a line."""
    every = [AnnotationFile(path) for path in files]
    turns = [turn for file in every for k in range(len(file)) for talk in file[k].conversations for turn in talk]
    return [text for turn in turns for text in (turn.question, turn.answer)]
