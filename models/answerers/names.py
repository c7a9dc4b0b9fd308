"""What answers by name, as `model=` of a benchmark gives it."""

from __future__ import annotations

from pathlib import Path

from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES

from models.answerers.constant import ConstantAnswer
from models.answerers.contract import Answers
from models.answerers.image_text import ImageTextModel
from models.checkpoint_files import read_json
from models.checkpoint_registry import checkpoint_folder
from models.sr3d.answering import Answerer

CONSTANT, TEXT = "constant", "text"


def open_answers(
    folder: str | Path, device: str | None = None, dtype: str | None = None, bits: int | None = None
) -> Answers:
    """Open a model or a baseline.

    Args:
        folder: name of a shipped checkpoint, folder, or name of a model on the Hub: an SR-3D, or a model of
            transformers for pictures and text. `text:NAME` shows a model no picture; `constant:TEXT` says TEXT.
        device: as of `Placement`, as the two below.
        dtype: of the weights.
        bits: 4 or 8, to quantise the language model.

    Raises:
        ImportError: bitsandbytes is missing.
        OSError: there is no such folder or model.
        ValueError: the folder holds no model that answers, or the placement is impossible.
    """
    kind, rest = _split(folder)
    if kind == CONSTANT:
        return ConstantAnswer(rest)
    if kind == TEXT:
        return ImageTextModel.from_folder(rest, device, dtype, bits, blind=True)
    if is_of_transformers(checkpoint_folder(folder)):
        return ImageTextModel.from_folder(folder, device, dtype, bits)
    return Answerer.from_folder(folder, device, dtype, bits)


def weights_of(folder: str | Path) -> Path | None:
    """Name the folder or the shipped checkpoint whose weights answer; None of a baseline without weights."""
    kind, rest = _split(folder)
    return None if kind == CONSTANT else checkpoint_folder(rest)


def arm_name(folder: str | Path) -> str:
    """Name a model in records: by the last part of its folder; a baseline keeps what it is before that."""
    kind, rest = _split(folder)
    return f"{CONSTANT}:{rest}" if kind == CONSTANT else f"{kind}:{Path(rest).name}".removeprefix(":")


def is_of_transformers(folder: Path) -> bool:
    """Whether a folder holds a model that a class of transformers loads: not an SR-3D, nor a folder of VILA."""
    path = folder / "config.json"
    if not path.is_file() or (folder / "llm").is_dir():
        return False
    kind = read_json(path).get("model_type")
    return kind in CONFIG_MAPPING_NAMES


def _split(folder: str | Path) -> tuple[str, str]:
    """Split the name of a baseline."""
    kind, colon, rest = str(folder).partition(":")
    return (kind, rest) if colon and kind in (CONSTANT, TEXT) else ("", str(folder))
