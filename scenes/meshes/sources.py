"""Sources of objects: folders of mesh files, and several sources as one."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from fnmatch import fnmatch
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, get_args

from scenes.meshes.reading import SUFFIXES, Up, read_mesh
from scenes.meshes.solid import MeshSolid

Split = Literal["train", "held_out", "all"]
END = 1 << 20  # bytes of a file that are hashed, at each end
COLLISION_SHAPES = ("*_col", "*_coll", "*_col_*", "*collision*", "*_ch", "*_site", "*convex*")  # names, in any case


class MeshSource(ABC):
    """A sequence of objects. `identity` is everything that determines them, in JSON types."""

    @abstractmethod
    def __len__(self) -> int:
        """Count the objects."""

    @abstractmethod
    def __getitem__(self, index: int) -> MeshSolid:
        """Read or make one object."""

    @property
    @abstractmethod
    def identity(self) -> Any:
        """Everything that determines the objects."""

    @property
    @abstractmethod
    def about(self) -> str:
        """Name the objects in a model card, such as "31 meshes of kitchen"."""


class MeshFolder(MeshSource):
    """The mesh files of a folder and its folders, in the order of their names.

    An object's name is its path in the folder, without suffix. Copies of a file are one object, the first by name. A
    hash of its name says in which split an object lies, so that adding files moves none.

    Args:
        folder: of GLB, glTF, OBJ, PLY, STL or OFF files.
        split: "train", "held_out", or "all" objects.
        held_out: share of the objects that are held out.
        up: axis of the files that points up, see `read_mesh`.
        include: patterns of names (shell wildcards, any case); an object matches one of them.
        exclude: patterns of names or last parts of names that are left out, by default collision shapes.

    Raises:
        FileNotFoundError: there is no such folder.
        ValueError: it has no mesh, or none in the split.
    """

    def __init__(
        self,
        folder: str | Path,
        split: Split = "all",
        held_out: float = 0.2,
        up: Up = "auto",
        include: Sequence[str] = ("*",),
        exclude: Sequence[str] = COLLISION_SHAPES,
    ) -> None:
        self.folder, self.up = Path(folder), up
        if split not in get_args(Split):
            raise ValueError(f"split={split!r} is unknown: choose one of {', '.join(get_args(Split))}")
        if up not in get_args(Up):
            raise ValueError(f"up={up!r} is unknown: choose one of {', '.join(get_args(Up))}")
        if not self.folder.is_dir():
            raise FileNotFoundError(f"no folder '{self.folder}': give one with mesh files ({', '.join(SUFFIXES)})")
        paths = sorted(path for path in self.folder.rglob("*") if path.suffix.lower() in SUFFIXES)
        named = {path.relative_to(self.folder).with_suffix("").as_posix(): path for path in reversed(paths)}
        chosen = {
            name: named[name] for name in sorted(named) if _matches(name, include) and not _matches(name, exclude)
        }
        distinct: dict[str, tuple[str, Path]] = {}
        for name, path in chosen.items():
            distinct.setdefault(file_digest(path), (name, path))
        self.hashes = {name: digest for digest, (name, _) in distinct.items() if _in_split(name, split, held_out)}
        self.paths = {name: path for name, path in distinct.values() if name in self.hashes}
        self.names = list(self.paths)
        if not self.names:
            raise ValueError(
                f"'{self.folder}' has {len(paths)} mesh files and {len(distinct)} distinct objects, none of them in "
                f"split {split}; give {', '.join(SUFFIXES)} files, or another split, include or exclude"
            )

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> MeshSolid:
        name = self.names[index]
        return read_mesh(self.paths[name], name, self.up)

    @cached_property
    def identity(self) -> Any:
        """Names and bytes of the files; textures are known by the name and size of the pictures beside them."""
        beside = {path.parent for path in self.paths.values()}
        pictures = sorted(
            (path.name, path.stat().st_size)
            for folder in beside
            for path in folder.iterdir()
            if path.suffix.lower() in (".png", ".jpg", ".jpeg", ".mtl", ".bin")
        )
        return ["folder", self.up, sorted(self.hashes.items()), pictures]

    @property
    def about(self) -> str:
        """Count the meshes."""
        return f"{len(self)} meshes of '{self.folder.name}'"


class MixedSources(MeshSource):
    """Several sources, one after the other."""

    def __init__(self, sources: Sequence[MeshSource]) -> None:
        self.sources = list(sources)

    def __len__(self) -> int:
        return sum(len(source) for source in self.sources)

    def __getitem__(self, index: int) -> MeshSolid:
        for source in self.sources:
            if index < len(source):
                return source[index]
            index -= len(source)
        raise IndexError(f"no object {index} in the last of {len(self.sources)} sources")

    @property
    def identity(self) -> Any:
        """Those of all sources."""
        return [source.identity for source in self.sources]

    @property
    def about(self) -> str:
        """Name all sources."""
        return " and ".join(source.about for source in self.sources)


def file_digest(path: Path) -> str:
    """Hash the size of a file, its start and its end: folders of a hundred gigabytes are opened in seconds."""
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(END)
        file.seek(max(size - END, 0))
        return hashlib.sha256(f"{size} ".encode() + start + file.read(END)).hexdigest()


def _matches(name: str, patterns: Sequence[str]) -> bool:
    own, last = name.lower(), name.lower().rpartition("/")[2]
    return any(fnmatch(own, pattern.lower()) or fnmatch(last, pattern.lower()) for pattern in patterns)


def _in_split(name: str, split: Split, held_out: float) -> bool:
    share = int(hashlib.sha256(name.encode()).hexdigest()[:8], 16) / 16**8
    return split == "all" or (share < held_out) == (split == "held_out")
