"""Photos, masks and meshes by pairs in a folder: what is read of SA-3DAO, whose file layout is not published."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from scenes.meshes.reading import SUFFIXES, Up, read_mesh_file
from scenes.meshes.sources import file_digest
from scenes.photographs.photo import ObjectPhoto, PhotoSource, TrueShape, plural
from scenes.readers.depth_file import DEPTH_SUFFIXES, read_depth_file
from scenes.readers.image_files import IMAGE_SUFFIXES, read_image
from scenes.readers.masks.mask_file import read_mask
from scenes.readers.pictures.focal_length import read_exif_camera

LIST = "objects.csv"
PARTS = {
    "image": IMAGE_SUFFIXES,
    "mask": IMAGE_SUFFIXES,
    "mesh": SUFFIXES,
    "depth": DEPTH_SUFFIXES,
    "camera": (".json",),
}
NEEDED = ("image", "mask", "mesh")
KEYS = {"intrinsics": 3, "cam_T_mesh": 4}  # of a camera file: square matrices by rows


@dataclass(frozen=True)
class Entry:
    """The files of one object."""

    name: str
    image: Path
    mask: Path
    mesh: Path
    depth: Path | None = None
    camera: Path | None = None


class PhotoFolder(PhotoSource):
    """Photos of objects with their masks and true meshes.

    Each object is a folder with `image.*`, `mask.*` and `mesh.*`, and, where known, `depth.*` (as
    `read_depth_file`) and `camera.json`: "intrinsics" (3x3, pixels, centres at .5) and "cam_T_mesh" (4x4, from the
    frame of the mesh file to the camera in OpenCV axes, metres; a uniform scale is allowed), either or both. Other
    names and places are listed in `objects.csv`: columns image, mask, mesh, and where there are any name, depth,
    camera, with paths relative to the folder. A photo without intrinsics has those of its EXIF data.

    Args:
        folder: of all objects.
        up: axis of the mesh files that points up (`read_mesh`).

    Raises:
        FileNotFoundError: there is no folder, or a file of it is missing.
        ValueError: it has no objects, or one that lacks a picture, a mask or a mesh.
    """

    def __init__(self, folder: str | Path, up: Up = "auto") -> None:
        self.folder, self.up = Path(folder), up
        if not self.folder.is_dir():
            raise FileNotFoundError(f"no folder '{self.folder}': give one with photos, masks and meshes")
        listed = self.folder / LIST
        self.entries = _listed(listed) if listed.is_file() else _found(self.folder)
        if not self.entries:
            raise ValueError(
                f"'{self.folder}' has no objects: give each a folder with image, mask and mesh files, or list them in "
                f"{LIST} (docs/lifting.md)"
            )

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, index: int) -> ObjectPhoto:
        entry = self.entries[index]
        image = read_image(entry.image)
        height, width = image.shape[1:]
        mask = read_mask(entry.mask, height, width)
        if not bool(mask.any()):
            raise ValueError(f"the mask of {entry.name} is empty ({entry.mask}); mark the object, or leave it out")
        camera = {} if entry.camera is None else read_camera(entry.camera)
        depth = None if entry.depth is None else read_depth_file(entry.depth)
        if depth is not None and depth.shape != (height, width):
            raise ValueError(
                f"{entry.depth} is {depth.shape[1]}x{depth.shape[0]}, but {entry.image.name} {width}x{height}: depth "
                "must have the size of its photo"
            )
        intrinsics = camera.get("intrinsics")
        return ObjectPhoto(
            image=image,
            mask=mask,
            shape=self.shape(index),
            depth=depth,
            intrinsics=read_exif_camera(entry.image) if intrinsics is None else intrinsics,
            cam_T_file=camera.get("cam_T_mesh"),
        )

    def shape(self, index: int) -> TrueShape:
        """Read the mesh of an object alone."""
        entry = self.entries[index]
        return TrueShape.of(entry.name, read_mesh_file(entry.mesh, self.up))

    @property
    def identity(self) -> Any:
        """Names and bytes of all files (large ones: their size and ends)."""
        paths = [[entry.image, entry.mask, entry.mesh, entry.depth, entry.camera] for entry in self.entries]
        hashes = [[path and file_digest(path) for path in each] for each in paths]
        return ["photos", self.up, [entry.name for entry in self.entries], hashes]

    @property
    def about(self) -> str:
        """Count the photos, and those with depth and with a camera file."""
        depths, cameras = (sum(getattr(e, part) is not None for e in self.entries) for part in ("depth", "camera"))
        return (
            f"{plural(len(self), 'photo')} of '{self.folder.name}', {depths} with depth, {cameras} with a camera file"
        )


def read_camera(path: Path) -> dict[str, Float[Tensor, "_ _"]]:
    """Read the matrices of a camera file.

    Raises:
        ValueError: it is not JSON, has another key, a matrix of another size, or a number that is not finite.
    """
    form = f"{path} needs " + " or ".join(f'"{key}" ({side}x{side} numbers)' for key, side in KEYS.items())
    try:
        read = {key: torch.tensor(value, dtype=torch.float64) for key, value in json.loads(path.read_text()).items()}
    except (AttributeError, TypeError, ValueError, OverflowError, RecursionError) as error:
        raise ValueError(form) from error
    if not read or any(key not in KEYS or matrix.shape != (KEYS[key],) * 2 for key, matrix in read.items()):
        raise ValueError(form)
    if not all(bool(matrix.isfinite().all()) for matrix in read.values()):
        raise ValueError(f"{path} has a number that is not finite")
    return read


def _found(folder: Path) -> list[Entry]:
    """Find the folders that hold a picture, a mask or a mesh by name."""
    entries = []
    for place in sorted({path.parent for part in NEEDED for path in folder.rglob(f"{part}.*")}):
        files = {part: _one(place, part) for part in PARTS}
        name = place.relative_to(folder).as_posix()
        if missing := [part for part in NEEDED if files[part] is None]:
            raise ValueError(f"'{place}' has no {missing[0]}: each object needs one file image.*, mask.* and mesh.*")
        entries.append(Entry(folder.name if name == "." else name, **files))  # type: ignore[arg-type]
    return entries


def _one(place: Path, part: str) -> Path | None:
    found = sorted(path for path in place.glob(f"{part}.*") if path.suffix.lower() in PARTS[part])
    if len(found) > 1:
        raise ValueError(f"'{place}' has {found[0].name} and {found[1].name}: leave one of them")
    return found[0] if found else None


def _listed(path: Path) -> list[Entry]:
    """Read the list of a folder; spreadsheets save one with a byte order mark."""
    entries: list[Entry] = []
    shown: dict[str, Path] = {}  # the mesh of each name
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path} is not a table of commas in UTF-8 ({error}); save it as CSV UTF-8") from error
    for number, row in enumerate(rows, 2):
        given = {part: path.parent / row[part] for part in PARTS if row.get(part)}
        if missing := [part for part in NEEDED if part not in given]:
            raise ValueError(f"{path}:{number} has no {missing[0]}: columns image, mask and mesh name files")
        if absent := [each for each in given.values() if not each.is_file()]:
            raise FileNotFoundError(f"{path}:{number} names '{absent[0]}', which is not there")
        name, mesh = row.get("name") or Path(row["mesh"]).as_posix(), given["mesh"]
        first = shown.setdefault(name, mesh)
        if first != mesh and file_digest(first) != file_digest(mesh):
            raise ValueError(
                f"{path}:{number} gives {name} the mesh '{mesh}', but a line above '{first}': photos of one name "
                "show one object; give each object its own name"
            )
        entries.append(Entry(name, **given))
    return entries
