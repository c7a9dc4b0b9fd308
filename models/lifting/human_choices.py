"""Human choices among candidates of one object: a source of preference pairs.

One JSON line a choice: `source` and `frame` (the picture), `mask` (a file beside the record), SHA-256 of the picture's
bytes (height, width, RGB), of the mask's and of the model's weights, `steps`, `shortcut`, `guidance` and `fit` of the
sampler, `chosen` (the seed of the best candidate, null where none was good) and `rejected` (the seeds of all others).
Picture, depth, mask, model, sampler and seed reproduce each candidate, so no mesh is kept. `given` is a file beside the
record with what was lifted: picture, mask, depth (metres, 0 where unknown) and camera.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

CHOICES = "choices.jsonl"


@dataclass(frozen=True)
class HumanChoice:
    """One line of `choices.jsonl`, see above."""

    source: str
    frame: int
    mask: str
    image_sha256: str
    mask_sha256: str
    model_sha256: str
    steps: int
    shortcut: bool
    chosen: int | None
    rejected: Sequence[int]
    guidance: float | None = None  # None in older records, as is `fit`
    fit: str | None = None
    given: str | None = None  # None in records that no training can use

    def pairs(self) -> list[tuple[int, int]]:
        """List (seed of the winner, seed of a loser); empty where nothing was chosen."""
        return [] if self.chosen is None else [(self.chosen, seed) for seed in self.rejected]


@dataclass(frozen=True)
class GivenObject:
    """What was lifted; `depth` is in metres, 0 where unknown, and None where there is none."""

    image: UInt8[Tensor, "3 height width"]
    mask: Bool[Tensor, "height width"]
    depth: Float[Tensor, "height width"] | None
    intrinsics: Float[Tensor, "3 3"]

    def write(self, path: Path) -> None:
        """Write it to an NPZ file."""
        arrays: dict[str, Any] = {"image": self.image, "mask": self.mask, "intrinsics": self.intrinsics}
        if self.depth is not None:
            arrays["depth"] = self.depth
        np.savez_compressed(path, **arrays)

    @classmethod
    def read(cls, path: Path) -> GivenObject:
        """Read what `write` wrote.

        Raises:
            FileNotFoundError: the file is missing.
            ValueError: it is another file, or damaged.
        """
        try:
            with np.load(path, allow_pickle=False) as arrays:
                found = {name: torch.from_numpy(arrays[name]) for name in arrays.files}
            return cls(found["image"], found["mask"], found.get("depth"), found["intrinsics"])
        except (KeyError, EOFError, BadZipFile, ValueError) as error:
            raise ValueError(f"{path} is not what `region4d lift --choose` lifted, or it is damaged") from error


def add_choice(path: Path, choice: HumanChoice) -> None:
    """Append a choice to a file."""
    with path.open("a") as lines:
        lines.write(json.dumps(asdict(choice)) + "\n")


def read_choices(path: Path) -> list[HumanChoice]:
    """Read the choices of a file.

    Raises:
        FileNotFoundError: the file is missing.
        ValueError: a line is not a choice; the message has its number.
    """
    choices = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        try:
            choices.append(HumanChoice(**json.loads(line)))
        except (TypeError, ValueError) as error:
            raise ValueError(f"{path} line {number} is not a choice of `region4d lift --choose` ({error})") from error
    return choices


def find_choices(folder: Path) -> list[tuple[Path, HumanChoice]]:
    """Read all choices in a folder, at any depth, each with the folder of its record; drafts (`.NAME`) are left out.

    Raises:
        ValueError: a line is not a choice.
    """
    files = sorted(file for file in folder.rglob(CHOICES) if not _hidden(file.relative_to(folder)))
    return [(file.parent, choice) for file in files for choice in read_choices(file)]


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def image_hash(image: UInt8[Tensor, "3 height width"]) -> str:
    """Hash the pixels of a picture."""
    return hashlib.sha256(rearrange(image, "c h w -> h w c").cpu().contiguous().numpy().tobytes()).hexdigest()


def mask_hash(mask: Bool[Tensor, "height width"]) -> str:
    """Hash the pixels of a mask."""
    return hashlib.sha256(mask.cpu().contiguous().numpy().tobytes()).hexdigest()
