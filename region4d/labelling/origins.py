"""What labels are of: the data set's own depth, depth that another program wrote, or a multi-view model."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from models.providers import GeometryFiles, GeometryProvider, open_provider
from models.providers.geometry_files import SUFFIXES
from models.providers.multi_view.vggt import PUBLISHED, weight_file
from models.providers.names import MAP_ANYTHING, MULTI_VIEW
from probes.clips.prepared_files import OWN_DEPTH
from region4d.flags import torch_device

ProviderOf = Callable[[str], GeometryProvider | None]  # of a clip's name; None for the clip's own geometry
PIECES, PIECE = 16, 4096  # of each file that is hashed: how many, and their bytes


@dataclass(frozen=True)
class LabelOrigin:
    """What labels are of.

    Args:
        has_depth: whether the data set has depth of its own.
        depth: folder of depth that another program wrote, in the unit of the data set's cameras.
        geometry: name of a multi-view model, which gives cameras as well.
        device: where it runs.

    Raises:
        FileNotFoundError: there is no such folder.
        ValueError: both are given, or `geometry` is no multi-view model.
    """

    has_depth: bool
    depth: Path | None = None
    geometry: str | None = None
    device: str | None = None

    def __post_init__(self) -> None:
        if self.depth is not None and self.geometry is not None:
            raise ValueError(f"--depth {self.depth} and --geometry {self.geometry} both give depth: leave one out")
        if self.depth is not None and not self.depth.is_dir():
            raise FileNotFoundError(f"no folder of depth '{self.depth}'")
        kinds = [form.partition(":")[0].partition("[")[0] for form in MULTI_VIEW]
        if self.geometry is not None and self._words[0] not in kinds:
            raise ValueError(self._refusal)

    def of(self, clip: str) -> str:
        """Name what the labels of a clip are of, by contents and not by folders, which may move.

        A model of MapAnything is known by its name alone: its repository chooses the weights.

        Raises:
            FileNotFoundError: there are no weights, or no depth of this clip.
        """
        if self.geometry is not None:
            return self._model
        if self.depth is not None:
            return f"depth of another program ({digest_of(GeometryFiles(_depth_of(self.depth, clip)).files)})"
        return OWN_DEPTH

    @property
    def gives_labels(self) -> bool:
        """Whether there is any depth to label clips with."""
        return self.has_depth or self.depth is not None or self.geometry is not None

    @property
    def reads_own_depth(self) -> bool:
        """Whether the depth of the data set is read."""
        return self.has_depth and self.depth is None and self.geometry is None

    def open(self) -> ProviderOf:
        """Open what gives the geometry of a clip.

        Raises:
            FileNotFoundError: a checkout or weights are missing.
            ImportError: a package of the model is missing.
            ValueError: the model gives no poses, or its weights are damaged.
        """
        if self.geometry is None:
            return lambda clip: None if self.depth is None else GeometryFiles(_depth_of(self.depth, clip))
        model = open_provider(self.geometry, torch_device(self.device))
        if not model.joins_frames:
            raise ValueError(self._refusal)
        return lambda clip: model

    @property
    def _words(self) -> tuple[str, str]:
        """Split the model into its kind and its weights, which may be left out."""
        kind, _, weights = (self.geometry or "").partition("@")[0].partition(":")
        return kind, weights

    @cached_property
    def _model(self) -> str:
        kind, weights = self._words
        if kind == MAP_ANYTHING:
            return f"{kind}:{weights or kind}"
        weights = weights or PUBLISHED
        return f"{kind}:{Path(os.path.abspath(weights)).name} ({digest_of([weight_file(weights)])})"

    @property
    def _refusal(self) -> str:
        return (
            f"--geometry {self.geometry} does not join the frames of a clip by a network: give "
            f"{' or '.join(MULTI_VIEW)}; depth of any other program goes to --depth"
        )


def digest_of(files: Sequence[Path]) -> str:
    """Hash the sizes of files and pieces from all over each: weights of gigabytes are told apart at once."""
    found = hashlib.sha256()
    for path in files:
        size = path.stat().st_size
        found.update(f"{size} ".encode())
        with path.open("rb") as file:
            for index in range(PIECES):
                file.seek(max(size - PIECE, 0) * index // (PIECES - 1))
                found.update(file.read(PIECE))
    return found.hexdigest()[:12]


def _depth_of(folder: Path, name: str) -> Path:
    """Find the cached depth of a clip."""
    candidates = [folder / f"{name}{suffix}" for suffix in SUFFIXES]
    return next((path for path in candidates if path.is_file()), folder / name)
