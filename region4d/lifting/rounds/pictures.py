"""A folder of pictures with masks; each mask is an object that is lifted.

FOLDER/NAME.jpg (or any picture), or FOLDER/NAME/, an RGB-D folder, whose first frame is used
FOLDER/masks/NAME/   one entry an object: a file or a folder, as `--mask` reads them; or masks/NAME.png for one object
FOLDER/depth/NAME.*  optional: depth of a picture, as `--depth` reads it
FOLDER/cameras/NAME.json  optional: its pinhole camera, as `--intrinsics` reads it
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from region4d.footage import FrameChoice, GeometrySource, Pointer
from region4d.lifting.input import LiftInput, read_input
from scenes.readers.image_files import IMAGE_SUFFIXES, natural_order

MASKS, DEPTH, CAMERAS = "masks", "depth", "cameras"


@dataclass(frozen=True)
class MarkedObject:
    """One object of a picture: `name` is PICTURE/OBJECT."""

    name: str
    source: Path
    mask: Path
    depth: Path | None = None
    camera: Path | None = None

    def read(self, fov_deg: float | None = None) -> LiftInput:
        """Read picture, mask and depth; `fov_deg` (degrees, horizontal) is for pictures without a camera of their own.

        Raises:
            FileNotFoundError: a file is missing.
            ValueError: a file cannot be used.
        """
        pointer = Pointer("mask", str(self.mask), 0, str(self.mask))
        camera = None if self.camera is None else str(self.camera)
        geometry = GeometrySource(depth=self.depth, intrinsics=camera, fov_deg=None if camera else fov_deg)
        return read_input(self.source, FrameChoice(index=0), [pointer], geometry)


def marked_objects(folder: Path) -> list[MarkedObject]:
    """List the objects of all pictures of a folder, in natural order of their names.

    Raises:
        FileNotFoundError: there are no masks, or a mask has no picture.
        ValueError: two pictures or two masks have one name.
    """
    if not (folder / MASKS).is_dir():
        raise FileNotFoundError(
            f"no folder '{folder / MASKS}': it needs {MASKS}/NAME/ for each picture NAME, a mask an object"
        )
    sources = _named(path for path in _visible(folder) if _is_source(path))
    depths, cameras = _named(_visible(folder / DEPTH)), _named(_visible(folder / CAMERAS))
    objects = []
    for entry in _visible(folder / MASKS):
        name = _name(entry)
        if name not in sources:
            raise FileNotFoundError(
                f"'{entry}' has no picture '{folder / name}.jpg' (or .png, ...), nor an RGB-D folder '{name}'"
            )
        masks = _named(_visible(entry)) if entry.is_dir() else {"object": entry}
        objects += [
            MarkedObject(f"{name}/{key}", sources[name], mask, depths.get(name), cameras.get(name))
            for key, mask in masks.items()
        ]
    if not objects:
        raise FileNotFoundError(
            f"no masks in '{folder / MASKS}': it needs {MASKS}/NAME/ for each picture NAME, a mask an object"
        )
    return objects


def _visible(folder: Path) -> Iterator[Path]:
    """List what is in a folder, but hidden files; nothing where there is no folder."""
    paths = folder.iterdir() if folder.is_dir() else ()
    yield from sorted(
        (path for path in paths if not path.name.startswith(".")), key=lambda path: natural_order(path.name)
    )


def _is_source(path: Path) -> bool:
    return path.name not in (MASKS, DEPTH, CAMERAS) if path.is_dir() else path.suffix.lower() in IMAGE_SUFFIXES


def _name(path: Path) -> str:
    return path.name if path.is_dir() else path.stem


def _named(paths: Iterable[Path]) -> dict[str, Path]:
    found = list(paths)
    name, count = Counter(map(_name, found)).most_common(1)[0] if found else ("", 0)
    if count > 1:
        raise ValueError(f"{count} entries of '{found[0].parent}' are called {name}; rename or remove all but one")
    return {_name(path): path for path in found}
