"""What a server may open, and how much of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from models.segmenters import Segmenter
from region4d.footage import GeometrySource

MOST_FRAMES = 16  # of one clip


@dataclass(frozen=True)
class Settings:
    """The limits of a server. `frames` is how many are sampled of a clip unless a visitor says otherwise.

    `geometry` gives depth to footage that has none, and `segmenter` turns clicks into masks.

    Raises:
        ValueError: a folder does not exist.
    """

    folders: tuple[Path, ...] = ()
    max_upload_mb: int = 200
    max_seconds: float = 600.0
    frames: int = 4
    geometry: GeometrySource = field(default_factory=GeometrySource)
    segmenter: Segmenter | None = None

    def __post_init__(self) -> None:
        for folder in self.folders:
            if not folder.is_dir():
                raise ValueError(f"--folder '{folder}' is not a folder; give one that exists")

    @property
    def max_upload_bytes(self) -> int:
        """The largest upload."""
        return self.max_upload_mb << 20
