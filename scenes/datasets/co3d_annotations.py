"""The annotation files of CO3Dv2: gzipped JSON lists of frames and sequences, one pair a category."""

from __future__ import annotations

import gzip
import json
import zlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FRAMES, SEQUENCES = "frame_annotations.jgz", "sequence_annotations.jgz"
NDC = {"ndc_isotropic": True, "ndc_norm_image_bounds": False}  # whether one unit is as long in x as in y
OLD_NDC = "ndc_norm_image_bounds"  # the default of files without `intrinsics_format`


@dataclass(frozen=True)
class Co3dCamera:
    """A viewpoint in PyTorch3D's convention (see `models.geometry.conversions`); the rotation by rows."""

    rotation: tuple[float, ...]
    translation: tuple[float, ...]
    focal: tuple[float, ...]
    principal: tuple[float, ...]
    isotropic: bool


@dataclass(frozen=True)
class Co3dFrame:
    """The annotation of one frame. Paths are relative to the data set; `size` is (height, width).

    `seconds` is -1 where the time is unknown, as everywhere in CO3Dv2.
    """

    number: int
    seconds: float
    image: str
    size: tuple[int, int]
    depth: str | None
    depth_scale: float
    depth_mask: str | None
    mask: str | None
    camera: Co3dCamera | None


def read_frames(category: Path) -> dict[str, tuple[Co3dFrame, ...]]:
    """Read the frames of each sequence of a category, in order of their numbers.

    Raises:
        FileNotFoundError: there are no frame annotations.
        ValueError: they are damaged or have another format.
    """
    found: dict[str, list[Co3dFrame]] = defaultdict(list)
    for number, entry in enumerate(read_jgz(category / FRAMES)):
        try:
            found[str(entry["sequence_name"])].append(_frame(entry))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"{category / FRAMES}: entry {number} is not a CO3D frame ({error!r}); download the file again"
            ) from error
    return {name: tuple(sorted(frames, key=lambda frame: frame.number)) for name, frames in sorted(found.items())}


def read_quality(category: Path) -> dict[str, float | None]:
    """Read the viewpoint quality score of each sequence (the bigger the better), None where it has none.

    Raises:
        FileNotFoundError: there are no sequence annotations.
        ValueError: they are damaged or have another format.
    """
    found: dict[str, float | None] = {}
    for number, entry in enumerate(read_jgz(category / SEQUENCES)):
        try:
            score = entry.get("viewpoint_quality_score")
            found[str(entry["sequence_name"])] = None if score is None else float(score)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"{category / SEQUENCES}: entry {number} is not a CO3D sequence ({error!r}); download the file again"
            ) from error
    return found


def read_set_list(category: Path, name: str) -> dict[str, list[tuple[str, int]]]:
    """Read the (sequence, frame number) pairs of each part (train, val, test) of a set list such as "fewview_dev".

    Raises:
        FileNotFoundError: the category has no such list; names those that it has.
        ValueError: it has another format.
    """
    folder = category / "set_lists"
    path = folder / f"set_lists_{name}.json"
    if not path.is_file():
        there = sorted(file.stem.removeprefix("set_lists_") for file in folder.glob("set_lists_*.json"))
        raise FileNotFoundError(f"{category} has no set list {name!r}, only {', '.join(there) or 'none at all'}")
    try:
        return {part: [(str(s), int(n)) for s, n, _ in rows] for part, rows in json.loads(path.read_text()).items()}
    except (AttributeError, TypeError, ValueError, RecursionError) as error:
        raise ValueError(
            f"{path} is not a CO3D set list (train, val, test: [sequence, frame, path]); download it again"
        ) from error


def read_jgz(path: Path) -> list[dict[str, Any]]:
    """Read a gzipped JSON list.

    Raises:
        FileNotFoundError: the file is missing.
        ValueError: it is truncated, not gzipped, or not a list.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: a category of CO3D needs {FRAMES} and {SEQUENCES}")
    try:
        with gzip.open(path, "rb") as file:
            entries: list[dict[str, Any]] = json.load(file)
    except (EOFError, OSError, ValueError, zlib.error, RecursionError) as error:
        raise ValueError(f"{path} is truncated or not gzipped JSON; download it again") from error
    if not isinstance(entries, list):
        raise ValueError(f"{path} has a {type(entries).__name__} instead of a list of annotations; download it again")
    if not all(isinstance(entry, dict) for entry in entries):
        raise ValueError(f"{path} has other values among its annotations; download it again")
    return entries


def _frame(entry: dict[str, Any]) -> Co3dFrame:
    image, depth, mask, view = entry["image"], entry.get("depth"), entry.get("mask"), entry.get("viewpoint")
    height, width = (int(side) for side in image["size"])
    seconds = entry.get("frame_timestamp")
    return Co3dFrame(
        number=int(entry["frame_number"]),
        seconds=-1.0 if seconds is None else float(seconds),
        image=str(image["path"]),
        size=(height, width),
        depth=depth and str(depth["path"]),
        depth_scale=float(depth["scale_adjustment"]) if depth else 1.0,
        depth_mask=depth and depth.get("mask_path"),
        mask=mask and str(mask["path"]),
        camera=_camera(view) if view else None,
    )


def _camera(view: dict[str, Any]) -> Co3dCamera:
    convention = view.get("intrinsics_format") or OLD_NDC
    if convention not in NDC:
        raise ValueError(f"intrinsics_format {convention!r} is unknown; expected one of {', '.join(NDC)}")
    return Co3dCamera(
        rotation=_numbers("R", [x for row in view["R"] for x in row], 9),
        translation=_numbers("T", view["T"], 3),
        focal=_numbers("focal_length", view["focal_length"], 2),
        principal=_numbers("principal_point", view["principal_point"], 2),
        isotropic=NDC[convention],
    )


def _numbers(name: str, values: Sequence[int | float], count: int) -> tuple[float, ...]:
    if len(values) != count:
        raise ValueError(f"{name} has {len(values)} numbers, expected {count}")
    return tuple(float(value) for value in values)
