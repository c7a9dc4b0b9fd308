"""Depth or point maps that another program has written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from models.geometry import PointMap, unproject, valid_depth
from models.providers.contract import GeometryEstimate, assumed_intrinsics

SUFFIXES = (".npz", ".safetensors")


class GeometryFiles:
    """Geometry from files: one for the whole clip (arrays begin with time), or a folder with one for each frame.

    A file (.npz or .safetensors) holds `depth` (height, width; z in metres), or `points` (height, width, 3; OpenCV
    camera axes, metres); if it has them, `mask` (height, width) and `intrinsics` (3, 3; pixels, centres at .5). Zero,
    negative, NaN and infinite depth is unknown. `points` need their `intrinsics`, which go before given ones, because
    they belong together; for `depth`, given intrinsics go first, then those of the file, then a pinhole of 60 degrees.
    """

    def __init__(self, path: str | Path) -> None:
        """Find the files; they are read when called.

        Raises:
            FileNotFoundError: there is no file at `path`.
        """
        path = Path(path)
        self.path = path
        self.files = sorted(f for f in path.iterdir() if f.suffix in SUFFIXES) if path.is_dir() else [path]
        if not self.files or not self.files[0].is_file():
            raise FileNotFoundError(f"no cached depth at {path}: need a .npz or .safetensors file, or a folder of them")

    def __call__(
        self,
        video: UInt8[Tensor, "time 3 height width"],
        intrinsics: Float[Tensor, "time 3 3"] | None = None,
        depth: Float[Tensor, "time height width"] | None = None,
    ) -> GeometryEstimate:
        """Read the geometry of all frames; `depth` is not used.

        Raises:
            ValueError: frames or sizes do not agree with the video, or an array is missing.
        """
        arrays = self._load()
        geometry = arrays.get("points", arrays.get("depth"))
        if geometry is None:
            raise ValueError(f"{self.path} has arrays {sorted(arrays)}: need depth or points")
        time, _, height, width = video.shape
        if geometry.shape[:3] != (time, height, width):
            raise ValueError(
                f"{self.path} has {_sizes(geometry.shape)}, the clip {_sizes((time, height, width))}: "
                f"write one map for every frame, of its size"
            )
        arrays = {name: array.to(video.device) for name, array in arrays.items()}
        mask = arrays.get("mask", torch.ones(time, height, width, device=video.device)).bool()
        own = arrays["intrinsics"].float().expand(time, 3, 3) if "intrinsics" in arrays else None
        if "points" in arrays:
            return self._from_points(arrays["points"].float(), mask, own)
        intrinsics = assumed_intrinsics(video, own if intrinsics is None else intrinsics)
        points = unproject(torch.where(mask, arrays["depth"].float(), 0.0), intrinsics)
        return GeometryEstimate(points, intrinsics, metric=True)

    def _from_points(
        self,
        xyz: Float[Tensor, "time height width 3"],
        mask: Bool[Tensor, "time height width"],
        intrinsics: Float[Tensor, "time 3 3"] | None,
    ) -> GeometryEstimate:
        if intrinsics is None:
            raise ValueError(f"{self.path} has points without intrinsics (3x3, pixels): add those of the model")
        valid = mask & torch.isfinite(xyz).all(-1) & valid_depth(xyz[..., 2])
        points = PointMap(torch.where(valid[..., None], xyz, 0.0), valid, "cam")
        return GeometryEstimate(points, intrinsics, metric=True)

    def _load(self) -> dict[str, Tensor]:
        """Load all arrays with a time axis in front (intrinsics may lack it).

        Raises:
            ValueError: a file cannot be read, or has other arrays or sizes than the first.
        """
        if not self.path.is_dir():
            return _load_file(self.path)
        frames = [_load_file(file) for file in self.files]
        for file, frame in zip(self.files, frames, strict=True):
            if {n: a.shape for n, a in frame.items()} != {n: a.shape for n, a in frames[0].items()}:
                raise ValueError(f"{file} has other arrays or sizes than {self.files[0].name}")
        return {name: torch.stack([frame[name] for frame in frames]) for name in frames[0]}


def _load_file(path: Path) -> dict[str, Tensor]:
    try:
        if path.suffix == ".safetensors":
            return dict(load_file(path))
        with np.load(path) as arrays:
            return {name: torch.from_numpy(arrays[name]) for name in arrays.files}
    except (OSError, ValueError, AttributeError, BadZipFile, SafetensorError) as error:
        raise ValueError(f"{path} cannot be read: need arrays in .npz or .safetensors") from error


def _sizes(shape: Sequence[int]) -> str:
    return f"{shape[0]} frames of {shape[2]}x{shape[1]} pixels"
