"""Objects in the pictures of Aria Digital Twin sequences, for the layout of lifted objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from models.geometry import invert
from scenes.datasets.aria.recording import COLOUR_STREAM, AriaRecording
from scenes.datasets.aria.tables import TABLES, AriaTables, SeenObject, tables_of
from scenes.meshes.reading import SUFFIXES, TURNS, read_mesh_file
from scenes.meshes.sources import file_digest
from scenes.photographs.photo import ObjectPhoto, PhotoSource, TrueShape, box_file, plural

CENTRE, REACH = 704.0, 500.0  # pixels of the recording: what lies within this circle is whole in the pinhole picture
ROOM = ("Apartment_*", "Office_*")  # fixed parts of the rooms, such as doors of cabinets
FORMAT = 1  # raise it when the same files give other pictures


@dataclass(frozen=True)
class Sight:
    """An object in one picture of a sequence."""

    tables: AriaTables
    seen: SeenObject

    @property
    def facts(self) -> Mapping[str, str]:
        """Its name, prototype, category and type."""
        return self.tables.instances[self.seen.uid]


class AriaSequences(PhotoSource):
    """Objects in evenly spaced pictures of sequences, with recorded depth and exact boxes and poses.

    The true shape of an object is a mesh file named after its prototype (PROTOTYPE.glb, metres, in the object's frame)
    or its instance, where `meshes` has one; otherwise its box alone, which tells 3D IoU and nothing else.

    Args:
        folder: a sequence, or a folder of sequences.
        meshes: folder of mesh files, at any depth.
        pictures: of each sequence.
        visible: smallest visible share of an object.
        smallest: pixels of the recording; the smallest longer side of its 2D box.
        largest: metres; the longest side of its box.
        exclude: patterns of instance names that are left out.

    Raises:
        FileNotFoundError: there is no sequence.
        ValueError: none of its objects is like that, or a table is damaged.
    """

    def __init__(
        self,
        folder: str | Path,
        meshes: str | Path | None = None,
        pictures: int = 10,
        visible: int | float = 0.5,
        smallest: int | float = 64,
        largest: int | float = 2,
        exclude: Sequence[str] = ROOM,
    ) -> None:
        self.folder = Path(folder)
        self.rules = [pictures, visible, smallest, largest, list(exclude)]
        if not self.folder.is_dir():
            raise FileNotFoundError(f"no folder '{self.folder}': give a sequence of Aria Digital Twin, or several")
        self.sequences = [self.folder] if (self.folder / TABLES[0]).is_file() else _sequences(self.folder)
        self.meshes = {} if meshes is None else _mesh_files(Path(meshes))
        self.sights = [
            Sight(tables, seen)
            for path in self.sequences
            for tables in [tables_of(path)]
            for seen in chosen(tables, pictures, visible, smallest, largest, exclude)
        ]
        if not self.sights:
            raise ValueError(
                f"no object of {plural(len(self.sequences), 'sequence')} in '{self.folder}' is at least {visible:.0%} "
                f"visible, {smallest:g} pixels large and within {REACH:g} pixels of the middle: choose smaller ones"
            )

    def __len__(self) -> int:
        return len(self.sights)

    def __getitem__(self, index: int) -> ObjectPhoto:
        sight = self.sights[index]
        folder, time_ns = sight.tables.folder, sight.seen.time_ns
        picture = recording_of(folder).picture(time_ns)
        return ObjectPhoto(
            image=picture.image,
            mask=picture.instances == sight.seen.uid,
            shape=self.shape(index),
            depth=picture.depth,
            intrinsics=picture.intrinsics,
            cam_T_file=_cam_T_object(sight, picture.device_T_cam),
            hidden=1 - min(sight.seen.visible, 1.0),
        )

    def shape(self, index: int) -> TrueShape:
        """Read the mesh of an object, or make its box."""
        sight = self.sights[index]
        name = sight.facts["instance_name"]
        path = next((self.meshes[key] for key in (name, sight.facts["prototype_name"]) if key in self.meshes), None)
        if path is not None:
            return TrueShape.of(name, read_mesh_file(path, "y"))
        low, high = sight.tables.boxes[sight.seen.uid].float().unbind()
        box = box_file(low, high, torch.tensor(TURNS["y"]))
        return TrueShape.of(name, box, box_alone=True)

    @property
    def identity(self) -> Any:
        """The rules of choice, the bytes of all tables, and those of the meshes; a sequence's pictures by its name."""
        tables = [[path.name, *(file_digest(path / name) for name in TABLES)] for path in self.sequences]
        return ["aria", FORMAT, self.rules, tables, sorted((name, file_digest(p)) for name, p in self.meshes.items())]

    @property
    def about(self) -> str:
        """Count objects, pictures and meshes."""
        times = {(sight.tables.folder, sight.seen.time_ns) for sight in self.sights}
        meshed = sum(not self._boxed(sight) for sight in self.sights)
        return (
            f"{plural(len(self), 'object')} in {plural(len(times), 'picture')} of "
            f"{plural(len(self.sequences), 'sequence')} of '{self.folder.name}', "
            f"{meshed} with a mesh and {len(self) - meshed} with a box alone"
        )

    def _boxed(self, sight: Sight) -> bool:
        return not {sight.facts["instance_name"], sight.facts["prototype_name"]} & set(self.meshes)


@lru_cache(maxsize=1)  # opening one takes seconds, and they are large
def recording_of(folder: Path) -> AriaRecording:
    """Open the recording of a sequence, or take the one that this process has open."""
    return AriaRecording(folder)


def chosen(
    tables: AriaTables,
    pictures: int,
    visible: int | float,
    smallest: int | float,
    largest: int | float,
    exclude: Sequence[str],
) -> list[SeenObject]:
    """Choose objects of evenly spaced pictures; see `AriaSequences`."""
    seen = tables.seen(COLOUR_STREAM)
    times = [time for time in seen if tables.scene_T_device(time) is not None]
    places = np.linspace(0, len(times) - 1, min(pictures, len(times))).round().astype(int)
    spaced = [times[k] for k in np.unique(places)]

    def fits(each: SeenObject) -> bool:
        facts, box = tables.instances.get(each.uid), tables.boxes.get(each.uid)
        if facts is None or box is None or facts["instance_type"] != "object":
            return False
        corners = [(abs(x - CENTRE), abs(y - CENTRE)) for x in each.x for y in each.y]
        return (
            each.visible >= visible
            and max(each.x[1] - each.x[0], each.y[1] - each.y[0]) >= smallest
            and max((x * x + y * y) ** 0.5 for x, y in corners) <= REACH
            and float((box[1] - box[0]).max()) <= largest
            and not any(fnmatch(facts["instance_name"], pattern) for pattern in exclude)
            and tables.scene_T_object(each.uid, each.time_ns) is not None
        )

    return [each for time in spaced for each in sorted(seen[time], key=lambda each: each.uid) if fits(each)]


def _cam_T_object(sight: Sight, device_T_cam: Float[Tensor, "4 4"]) -> Float[Tensor, "4 4"]:
    scene_T_device = sight.tables.scene_T_device(sight.seen.time_ns)
    scene_T_object = sight.tables.scene_T_object(sight.seen.uid, sight.seen.time_ns)
    assert scene_T_device is not None
    assert scene_T_object is not None  # as `chosen` made sure
    return invert(scene_T_device @ device_T_cam) @ scene_T_object


def _sequences(folder: Path) -> list[Path]:
    found = sorted(path.parent for path in folder.glob(f"*/{TABLES[0]}"))
    if not found:
        raise FileNotFoundError(
            f"neither '{folder}' nor a folder in it has {TABLES[0]}: give a sequence of Aria Digital Twin, or several"
        )
    return found


def _mesh_files(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        raise FileNotFoundError(f"no folder '{folder}' of mesh files")
    return {path.stem: path for path in sorted(folder.rglob("*")) if path.suffix.lower() in SUFFIXES}
