"""What labels are of: the data set's own depth, depth that another program wrote, or a multi-view model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from models.providers import GeometryFiles, GeometryProvider, open_provider
from models.providers.geometry_files import SUFFIXES
from models.providers.names import MULTI_VIEW
from region4d.flags import torch_device

ProviderOf = Callable[[str], GeometryProvider | None]  # of a clip's name; None for the clip's own geometry


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
        if self.geometry is not None and self._model.partition(":")[0] not in kinds:
            raise ValueError(self._refusal)

    @property
    def name(self) -> str | None:
        """Name the origin without its folders, which may move; None where clips have no labels."""
        if self.geometry is not None:
            kind, colon, weights = self._model.partition(":")
            return kind + colon + Path(weights).name
        if self.depth is not None:
            return "depth of another program"
        return "the data set's own depth" if self.has_depth else None

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
    def _model(self) -> str:
        return (self.geometry or "").partition("@")[0]

    @property
    def _refusal(self) -> str:
        return (
            f"--geometry {self.geometry} does not join the frames of a clip by a network: give "
            f"{' or '.join(MULTI_VIEW)}; depth of any other program goes to --depth"
        )


def _depth_of(folder: Path, name: str) -> Path:
    """Find the cached depth of a clip."""
    candidates = [folder / f"{name}{suffix}" for suffix in SUFFIXES]
    return next((path for path in candidates if path.is_file()), folder / name)
