"""What Lift-Worlds measured: one JSON line an item, method and candidate, one file a method, and its manifest."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from benchmarks.records.manifest import Manifest
from scenes.storage.atomic import write_text


@dataclass(frozen=True)
class LiftRecord:
    """The scores of one candidate of one method for one item; none and the reason in `failed` where it gave no mesh."""

    test: str
    item: str  # the seed that the item was drawn from
    family: str
    occlusion: float
    sky: bool  # whether a part of the picture has no depth
    method: str
    candidate: int
    failed: str
    scores: Mapping[str, float]


def write_lift_records(path: Path, records: Iterable[LiftRecord], manifest: Manifest) -> None:
    """Write the records of a method on a test set; the manifest comes last, so that a file with one is complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = (json.dumps(asdict(record), ensure_ascii=False, allow_nan=False) + "\n" for record in records)
    write_text(path, "".join(lines))
    write_text(path.with_suffix(".json"), json.dumps(asdict(manifest), indent=2, ensure_ascii=False) + "\n")


def read_lift_records(path: Path) -> list[LiftRecord]:
    """Read the records of a method on a test set.

    Raises:
        FileNotFoundError: there are none.
        ValueError: a line is no record.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no records at {path}: `region4d lift-study` writes them")
    names = {field.name for field in fields(LiftRecord)}
    records = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            data = json.loads(line)
        except json.JSONDecodeError as error:
            raise ValueError(f"{path} line {number} is not JSON ({error.msg}): remove the file and run again") from None
        if not isinstance(data, dict) or data.keys() != names:
            raise ValueError(f"{path} line {number} is not a record of this version: remove the file and run again")
        records.append(LiftRecord(**data))
    return records


def read_lift_manifest(path: Path) -> Manifest | None:
    """Read what made a file of records; None where it is not finished."""
    beside = path.with_suffix(".json")
    if not (path.is_file() and beside.is_file()):
        return None
    try:
        return Manifest(**json.loads(beside.read_text(encoding="utf-8")))
    except (json.JSONDecodeError, TypeError) as error:
        raise ValueError(f"{beside} is not a manifest ({error}): remove it and run again") from None


def is_measured(path: Path, identity: Mapping[str, Any]) -> bool:
    """Tell whether a method was measured already, with the same settings on the same items."""
    manifest = read_lift_manifest(path)
    return manifest is not None and manifest.config.get("identity") == json.loads(json.dumps(identity))
