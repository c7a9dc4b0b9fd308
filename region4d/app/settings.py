"""What a server may open, and how much of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from models.segmenters import Segmenter
from region4d.footage import GeometrySource
from region4d.studies.finished import FinishedStudy

MOST_FRAMES = 16  # of one clip


@dataclass(frozen=True)
class Settings:
    """The limits of a server. `frames` is how many are sampled of a clip unless a visitor says otherwise.

    `geometry` gives depth to footage that has none, and `segmenter` turns clicks into masks. `lift_model` is a name or
    folder; `probes` are finished runs.
    `mcp` offers `ask_about` as a tool to language models.

    Raises:
        ValueError: a folder does not exist, or two studies have one name.
        ImportError: `mcp` without the package of this name.
    """

    folders: tuple[Path, ...] = ()
    max_upload_mb: int = 200
    max_seconds: float = 600.0
    frames: int = 4
    geometry: GeometrySource = field(default_factory=GeometrySource)
    studies: tuple[FinishedStudy, ...] = ()
    segmenter: Segmenter | None = None
    lift_model: Path = Path("lift_tiny")
    probes: tuple[Path, ...] = ()
    mcp: bool = False

    def __post_init__(self) -> None:
        for folder in self.folders:
            if not folder.is_dir():
                raise ValueError(f"--folder '{folder}' is not a folder; give one that exists")
        names = [study.name for study in self.studies]
        if twice := [name for name in names if names.count(name) > 1]:
            raise ValueError(f"two --study are named {twice[0]}, as their folders are; rename one of the folders")
        if self.mcp and find_spec("mcp") is None:
            raise ImportError("--mcp needs the package mcp; pip install 'region4d[mcp]'")

    @property
    def max_upload_bytes(self) -> int:
        """The largest upload."""
        return self.max_upload_mb << 20
