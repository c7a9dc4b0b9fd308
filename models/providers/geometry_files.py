"""Geometry that another program has written."""

from __future__ import annotations

import zlib
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
UNREADABLE = (
    OSError,
    ValueError,
    TypeError,
    AttributeError,
    EOFError,
    MemoryError,
    BadZipFile,
    SafetensorError,
    zlib.error,
)


class GeometryFiles:
    """Geometry from files: one for the whole clip (arrays begin with time), or a folder with one for each frame.

    A file (.npz or .safetensors) holds `depth` (height, width; z-depth), or `points` (height, width, 3; OpenCV camera
    axes), and as many of these as are known:

    - `intrinsics` (3, 3): pixels of the frames, centres at .5. `points` need them.
    - `world_T_cam` (4, 4): camera to world, OpenCV camera axes, any world, in the unit of the points.
    - `confidence` (height, width): the larger the better.
    - `mask` (height, width): where the geometry is valid. Zero, negative, NaN and infinite depth is unknown as well.
    - `metric` (one number for the clip): 1 for lengths in metres, which is assumed, 0 for an unknown scale.

    Intrinsics of `points` take precedence over given ones, because they belong together. For `depth`, given intrinsics
    come first, then those of the file, then a pinhole of 60 degrees.
    """

    joins_frames = True  # where they hold poses

    def __init__(self, path: str | Path) -> None:
        """Find the files; they are read when called.

        Raises:
            FileNotFoundError: there is no file at `path`.
        """
        path = Path(path)
        self.path = path
        self.files = [path]
        if path.is_dir():
            self.files = sorted(f for f in path.iterdir() if f.suffix in SUFFIXES and not f.name.startswith("."))
        if not self.files or not self.files[0].is_file():
            raise FileNotFoundError(f"no geometry at {path}: need a .npz or .safetensors file, or a folder of them")

    def __call__(
        self,
        video: UInt8[Tensor, "time 3 height width"],
        intrinsics: Float[Tensor, "time 3 3"] | None = None,
        depth: Float[Tensor, "time height width"] | None = None,
    ) -> GeometryEstimate:
        """Read the geometry of all frames; `depth` is not used.

        Raises:
            ValueError: frames or sizes do not agree with the video, or an array is missing or malformed.
        """
        arrays = self._load()
        geometry = arrays.get("points", arrays.get("depth"))
        if geometry is None:
            raise ValueError(f"{self.path} has arrays {sorted(arrays)}: need depth or points")
        time, _, height, width = video.shape
        if geometry.shape[:3] != (time, height, width):
            raise ValueError(
                f"{self.path} has {_sizes(geometry.shape)}, the clip {_sizes((time, height, width))}: "
                f"write one map for every frame, of its size, or use as many frames (--frames {len(geometry)})"
            )
        arrays = {name: array.to(video.device) for name, array in arrays.items()}
        mask = self._array(arrays, "mask", (time, height, width))
        mask = torch.ones(time, height, width, dtype=torch.bool, device=video.device) if mask is None else mask.bool()
        own = self._array(arrays, "intrinsics", (time, 3, 3))
        if "points" in arrays:
            if own is None:
                raise ValueError(f"{self.path} has points without intrinsics (3x3, pixels): add those of the model")
            intrinsics, points = own, _camera_points(arrays["points"].float(), mask)
        else:
            intrinsics = assumed_intrinsics(video, own if intrinsics is None else intrinsics)
            points = unproject(torch.where(mask, arrays["depth"].float(), 0.0), intrinsics)
        return GeometryEstimate(
            points,
            intrinsics,
            metric=bool(arrays.get("metric", torch.ones(())).all()),
            world_T_cam=self._array(arrays, "world_T_cam", (time, 4, 4)),
            confidence=self._array(arrays, "confidence", (time, height, width)),
        )

    def _array(self, arrays: dict[str, Tensor], name: str, shape: tuple[int, ...]) -> Float[Tensor, "..."] | None:
        """Take an array if there is one, repeated in time where it has no time axis."""
        if name not in arrays:
            return None
        array = arrays[name].float()
        if array.shape not in (shape, shape[1:], (1, *shape[1:])):
            raise ValueError(f"{self.path} has {name} of shape {tuple(array.shape)}, expected {shape}")
        if name in ("intrinsics", "world_T_cam") and not bool(array.isfinite().all()):
            raise ValueError(f"{self.path} has {name} with NaN or infinite values: leave frames without a camera out")
        return array.expand(shape)

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


def _camera_points(xyz: Float[Tensor, "time height width 3"], mask: Bool[Tensor, "time height width"]) -> PointMap:
    valid = mask & torch.isfinite(xyz).all(-1) & valid_depth(xyz[..., 2])
    return PointMap(torch.where(valid[..., None], xyz, 0.0), valid, "cam")


def _load_file(path: Path) -> dict[str, Tensor]:
    try:
        if path.suffix == ".safetensors":
            return dict(load_file(path))
        with np.load(path, allow_pickle=False) as arrays:
            return {name: torch.from_numpy(arrays[name]) for name in arrays.files}
    except (
        OSError,
        ValueError,
        TypeError,
        AttributeError,
        EOFError,
        MemoryError,
        BadZipFile,
        SafetensorError,
        zlib.error,
    ) as error:
        raise ValueError(f"{path} cannot be read: need arrays of numbers in .npz or .safetensors") from error


def _sizes(shape: Sequence[int]) -> str:
    return f"{shape[0]} frames of {shape[2]}x{shape[1]} pixels"
