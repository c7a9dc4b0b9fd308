"""What answers by name, as `model=` of a benchmark gives it."""

from __future__ import annotations

from pathlib import Path

from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES

from models.answerers.constant import ConstantAnswer
from models.answerers.contract import Answers
from models.answerers.image_text import ImageTextModel
from models.checkpoint_files import read_json
from models.checkpoint_registry import checkpoint_folder
from models.queries.pointing import CROP, MARKS, TEXT, TOKENS, WAYS
from models.sr3d.answering import Answerer

CONSTANT, BLIND = "constant", "text"
ONE_PICTURE = "regiongpt"  # the region pool of SpatialRGPT, which reads a single picture


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
    if kind == BLIND:
        return ImageTextModel.from_folder(rest, device, dtype, bits, blind=True)
    if is_of_transformers(checkpoint_folder(folder)):
        return ImageTextModel.from_folder(folder, device, dtype, bits)
    return Answerer.from_folder(folder, device, dtype, bits)


def ways_of(folder: str | Path) -> tuple[str, ...]:
    """List the ways of pointing that a model can take (`models.queries.pointing`), from its configuration alone.

    Raises:
        OSError: there is no such folder or model.
    """
    kind, rest = _split(folder)
    if kind == CONSTANT:
        return WAYS  # whatever it is asked, it says the same
    if kind == BLIND:
        return (TEXT,)
    found = checkpoint_folder(rest)
    config = read_json(found / "config.json") if (found / "config.json").is_file() else {}
    if is_of_transformers(found) or (found / "llm").is_dir() or not config.get("region_extractor_trained", True):
        return (MARKS, TEXT, CROP)
    return (TOKENS, MARKS, TEXT) if config.get("region_pool") == ONE_PICTURE else WAYS


def check_way(folder: str | Path, way: str) -> None:
    """Refuse a way of pointing that is unknown, or that a model cannot take.

    Raises:
        ValueError: it is so.
        OSError: there is no such folder or model.
    """
    if way not in WAYS:
        raise ValueError(f"pointing={way} is unknown: choose one of {', '.join(WAYS)}")
    if way not in (able := ways_of(folder)):
        why = {
            TOKENS: "has no trained region tokens",
            MARKS: "is shown no picture",
            CROP: "is shown no picture" if able == (TEXT,) else "reads one picture, and no crop beside it",
        }[way]
        raise ValueError(f"pointing={way}: '{folder}' {why}; choose one of {', '.join(able)}")


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
    return (kind, rest) if colon and kind in (CONSTANT, BLIND) else ("", str(folder))
