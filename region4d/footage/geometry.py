"""Where the geometry of footage comes from: the depth and the camera that flags name."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import torch
from einops import repeat
from jaxtyping import Float
from torch import Tensor

from models.geometry import default_intrinsics, resize_intrinsics, valid_depth
from models.providers import DepthModel, GeometryProvider, open_provider
from models.providers.names import POSES
from region4d.flags import read_numbers
from scenes.clip import Clip
from scenes.readers.depth_file import read_depth_file
from scenes.readers.estimated_geometry import with_estimate
from scenes.readers.rgbd.pinhole import read_pinhole

ASSUMED_FOV_DEG = 60  # horizontal, of a camera that nobody knows
CameraOrigin = Literal["flag", "footage", "EXIF", "estimated", "assumed"]


@dataclass(frozen=True)
class GeometrySource:
    """Where depth and the camera come from, as flags say; without any, from the footage itself.

    Raises ValueError for flags that exclude each other.
    """

    depth: Path | None = None
    depth_scale: float | None = None
    depth_model: str | None = None
    no_depth: bool = False
    intrinsics: str | None = None
    fov_deg: float | None = None
    geometry: str | None = None
    device: torch.device | str = "cpu"  # of the networks that estimate geometry

    def __post_init__(self) -> None:
        model = ("--geometry", self.geometry) if self.geometry else ("--depth-model", self.depth_model)
        given = [flag for flag, value in (("--depth", self.depth), model, ("--no-depth", self.no_depth)) if value]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} exclude each other; give one of them")
        if self.intrinsics is not None and self.fov_deg is not None:
            raise ValueError("--intrinsics and --fov exclude each other; give one of them")

    @property
    def provider_name(self) -> str | None:
        """The provider that estimates the geometry, if there is one."""
        return self.geometry or self.depth_model

    @property
    def pose_notes(self) -> list[str]:
        """What the poses of several frames rely on and nothing checks, in words."""
        if self.geometry not in POSES:
            return []
        rest = "a scene at rest" if self.geometry == "odometry" else "a camera that moves through a scene at rest"
        return [
            f"note: the poses of {self.geometry} rely on {rest}; where large objects move, they can be wrong unnoticed"
        ]

    def provider(self) -> GeometryProvider | None:
        """Open the provider that estimates the geometry, if there is one; errors as `open_provider` has them."""
        if self.geometry is not None:
            return open_provider(self.geometry, self.device, self.depth_model)
        return None if self.depth_model is None else DepthModel(self.depth_model).to(self.device)

    @property
    def has_camera(self) -> bool:
        """Whether a flag gives the camera."""
        return self.intrinsics is not None or self.fov_deg is not None

    def camera(self, size: tuple[int, int]) -> Float[Tensor, "3 3"]:
        """Read the intrinsics (pixels, centres at .5) that the flags give for frames of `size` (height, width).

        Raises:
            FileNotFoundError: the pinhole file does not exist.
            ValueError: no flag gives a camera, or its value cannot be used.
        """
        if self.fov_deg is not None:
            return default_intrinsics(*size, self.fov_deg)
        if self.intrinsics is None:
            raise ValueError("the camera is not given; use --intrinsics or --fov")
        if self.intrinsics.endswith(".json"):
            if not Path(self.intrinsics).is_file():
                raise FileNotFoundError(f"no pinhole file '{self.intrinsics}'")
            return read_pinhole(Path(self.intrinsics), size)
        fx, fy, cx, cy = read_numbers("intrinsics", self.intrinsics, self.intrinsics, 4)
        if not (fx > 0 and fy > 0):
            raise ValueError(
                f"--intrinsics '{self.intrinsics}': focal lengths must be positive; give fx,fy,cx,cy in pixels"
            )
        return torch.tensor([[fx, 0, cx], [0, fy, cy], [0, 0, 1]])


@dataclass(frozen=True)
class Located:
    """A clip with its geometry. `depth` names the origin of the depth, None where there is none."""

    clip: Clip
    depth: str | None
    camera: CameraOrigin


def locate(clip: Clip, source: GeometrySource, provider: GeometryProvider | None = None) -> Located:
    """Add to a clip the camera and depth that `source` names, or that its `provider` estimates.

    Depth without a camera assumes 60 degrees.

    Raises:
        FileNotFoundError: a file or checkpoint does not exist.
        ValueError: a file cannot be used, no pixel has depth, or the provider does not use the camera of a flag.
    """
    camera: CameraOrigin = "assumed" if clip.intrinsics is None else "footage"
    if source.has_camera:
        full_size = clip.full_size or clip.size
        matrix = resize_intrinsics(source.camera(full_size), full_size, clip.size)
        given = repeat(matrix, "row col -> time row col", time=len(clip))
        clip, camera = replace(clip, intrinsics=given), "flag"
    if source.no_depth:
        return Located(replace(clip, depth=None), None, camera)
    if provider is not None:
        return _estimate(clip, provider, str(source.provider_name), camera)
    if source.depth is not None:
        clip, origin = replace(clip, depth=_read_depth(source.depth, source.depth_scale, clip)), str(source.depth)
    elif clip.depth is not None:
        origin = "RGB-D folder"
    else:
        return Located(clip, None, camera)
    if clip.intrinsics is None:
        assumed = default_intrinsics(*clip.size, ASSUMED_FOV_DEG)
        clip = replace(clip, intrinsics=repeat(assumed, "row col -> time row col", time=len(clip)))
    if clip.depth is None or not bool(valid_depth(clip.depth).any()):
        raise ValueError(
            f"depth ({origin}) is unknown at every pixel (0, negative, NaN or infinite); give other depth, or "
            "--no-depth to go without metres"
        )
    return Located(clip, origin, camera)


def _estimate(clip: Clip, provider: GeometryProvider, name: str, camera: CameraOrigin) -> Located:
    estimate = provider(clip.video, clip.intrinsics, clip.depth)
    if clip.intrinsics is None or not torch.equal(estimate.intrinsics, clip.intrinsics):
        if camera == "flag":
            raise ValueError(f"'{name}' estimates the camera itself; leave out --intrinsics and --fov")
        assumed = default_intrinsics(*clip.size, ASSUMED_FOV_DEG).to(estimate.intrinsics)
        camera = "assumed" if torch.equal(estimate.intrinsics, assumed.expand_as(estimate.intrinsics)) else "estimated"
    if not bool(estimate.points.valid.any()):
        raise ValueError(f"'{name}' gives no depth at any pixel of this footage; use another one, or --no-depth")
    kept = clip.depth is not None and torch.equal(estimate.points.xyz[..., 2], clip.depth)
    origin = f"RGB-D folder, poses by {name}" if kept else f"model {name}"
    return Located(with_estimate(clip, estimate), origin, camera)


def _read_depth(path: Path, scale: float | None, clip: Clip) -> Float[Tensor, "time height width"]:
    """Read the depth of a clip of one frame, 0 where unknown."""
    if len(clip) != 1:
        raise ValueError(f"--depth '{path}' is of one frame, but {len(clip)} frames are used; name it with --frame I")
    metres = read_depth_file(path, scale)
    if tuple(metres.shape) != clip.size:
        raise ValueError(
            f"depth must be registered to the frame and of its size; '{path}' is {metres.shape[1]}x{metres.shape[0]}, "
            f"expected {clip.size[1]}x{clip.size[0]}"
        )
    return torch.where(valid_depth(metres), metres, torch.zeros_like(metres))[None]
