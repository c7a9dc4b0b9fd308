"""The clips that CO3D and DL3DV hold, by name, as they are prepared for a study."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Protocol

from probes.clips.preparation import Prepared, prepare_co3d, prepare_dl3dv
from probes.clips.splits import without_outliers
from scenes.datasets.co3d import list_co3d, list_co3d_categories
from scenes.datasets.dl3dv import Dl3dvScene, list_dl3dv

Prepare = Callable[[bool], Prepared]  # whether to read the depth of the data set


class DataSet(Protocol):
    """Clips of a folder; it is pickled for the processes that share them."""

    @property
    def has_depth(self) -> bool:
        """Whether the data set has depth of its own."""

    @property
    def clips(self) -> Mapping[str, Prepare]:
        """Name what prepares each clip."""


@dataclass(frozen=True)
class Co3dClips:
    """Windows of the sequences of CO3Dv2.

    Args:
        root: folder of the data set.
        categories: such as apple; None for all.
        set_list: only sequences of this list.
        size: height and width of the clips.
        count: frames of a clip.
    """

    root: Path
    categories: Sequence[str] | None
    set_list: str | None
    size: tuple[int, int]
    count: int
    has_depth = True

    @property
    def clips(self) -> Mapping[str, Prepare]:
        """Name what prepares each clip."""
        categories = self.categories or list_co3d_categories(self.root)
        sequences = [one for name in categories for one in list_co3d(self.root, name, self.set_list)]
        return {one.name: partial(prepare_co3d, one, self.size, self.count) for one in sequences}


@dataclass(frozen=True)
class Dl3dvClips:
    """Consecutive frames of the scenes of DL3DV-10K.

    Args:
        root: folder of the data set.
        subsets: such as 1K; None for all.
        images: folder of pictures in each scene.
        size: height and width of the clips.
        count: frames of a clip.
        seed: of each clip's first frame.
        outliers: whether to keep the scenes that the published study drops.
    """

    root: Path
    subsets: Sequence[str] | None
    images: str
    size: tuple[int, int]
    count: int
    seed: int
    outliers: bool
    has_depth = False

    @cached_property
    def _scenes(self) -> Mapping[str, Dl3dvScene]:
        return {scene.name: scene for scene in list_dl3dv(self.root, self.subsets, self.images)}

    @property
    def dropped(self) -> list[str]:
        """Name the scenes that are dropped."""
        return [] if self.outliers else sorted(self._scenes.keys() - set(without_outliers(list(self._scenes))))

    @property
    def clips(self) -> Mapping[str, Prepare]:
        """Name what prepares each clip."""
        dropped = set(self.dropped)
        return {name: partial(self._prepare, scene) for name, scene in self._scenes.items() if name not in dropped}

    def _prepare(self, scene: Dl3dvScene, depth: bool) -> Prepared:
        return prepare_dl3dv(scene, self.size, self.count, self.seed)
