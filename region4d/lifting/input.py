"""What `region4d lift` is given: a picture, the masks of objects in it, and where the camera and depth come from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from models.depth import DepthAnythingV2, DepthEstimate
from models.geometry import PointMap, default_intrinsics, unproject
from models.lifting.inputs.boxed_object import object_in_box
from models.regions import Region
from region4d.flags import read_numbers
from scenes.readers.depth_file import read_depth_file
from scenes.readers.image_files import read_mask
from scenes.readers.open_clip import open_clip
from scenes.readers.rgbd import is_rgbd_folder, read_rgbd_folder
from scenes.readers.rgbd.pinhole import read_pinhole

ASSUMED_FOV_DEG = 60  # horizontal, where nobody knows the camera


@dataclass(frozen=True)
class DepthSource:
    """Where depth comes from: a file, a model, or the RGB-D folder itself unless it is `off`."""

    file: Path | None = None
    scale: float | None = None
    model: str | None = None
    off: bool = False

    def __post_init__(self) -> None:
        given = [flag for flag, on in (("--depth", self.file), ("--depth-model", self.model)) if on is not None]
        given += ["--no-depth"] if self.off else []
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} exclude each other: give one of them")


@dataclass(frozen=True)
class Camera:
    """How the camera is told: `text` is fx,fy,cx,cy (pixels, centres at .5) or a pinhole JSON; else `fov_deg`."""

    text: str | None = None
    fov_deg: float | None = None

    def __post_init__(self) -> None:
        if self.text is not None and self.fov_deg is not None:
            raise ValueError("--intrinsics and --fov exclude each other: give one of them")

    def read(self, size: tuple[int, int]) -> Float[Tensor, "3 3"] | None:
        """Read the intrinsics for pictures of `size` (height, width); None where the camera was not told."""
        if self.fov_deg is not None:
            return default_intrinsics(*size, self.fov_deg)
        if self.text is None:
            return None
        if self.text.endswith(".json"):
            if not Path(self.text).is_file():
                raise FileNotFoundError(f"no pinhole file '{self.text}'")
            return read_pinhole(Path(self.text), size)
        fx, fy, cx, cy = read_numbers("intrinsics", self.text, self.text, 4)
        if not (fx > 0 and fy > 0):
            raise ValueError(f"--intrinsics '{self.text}': focal lengths must be positive, give fx,fy,cx,cy in pixels")
        return torch.tensor([[fx, 0, cx], [0, fy, cy], [0, 0, 1]])


@dataclass(frozen=True)
class LiftInput:
    """One picture and the objects marked in it. `points` are in the frame "cam"; `depth` says where they come from."""

    source: Path
    frame: int
    image: UInt8[Tensor, "3 height width"]
    masks: Sequence[Bool[Tensor, "height width"]]
    intrinsics: Float[Tensor, "3 3"]
    points: PointMap | None
    depth: str | None
    notes: Sequence[str]  # what was assumed, one line each


def read_input(
    source: Path, frame: int, masks: Sequence[str], boxes: Sequence[str], depth: DepthSource, camera: Camera
) -> LiftInput:
    """Read everything and refuse what cannot be lifted, before any network runs.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: a file, flag, mask or box cannot be used.
    """
    if not masks and not boxes:
        raise ValueError("mark an object: --mask FILE.png (non-zero is inside), or --box x0,y0,x1,y1 in pixels")
    image, intrinsics, points, origin = _read_geometry(source, frame, depth, camera)
    notes = []
    if intrinsics is None:
        intrinsics = default_intrinsics(image.shape[1], image.shape[2], ASSUMED_FOV_DEG)
        notes.append(
            f"the camera is not known: a horizontal field of view of {ASSUMED_FOV_DEG} degrees is assumed "
            "(--intrinsics or --fov tell it)"
        )
    if points is None:
        notes.append("no depth: pose and scale are those of an average scene and say nothing of metres")
        if boxes:
            notes.append("no depth: a box is a mask of all its pixels, background included")
    height, width = image.shape[1], image.shape[2]
    named = [(f"mask '{text}'", read_mask(Path(text), height, width)) for text in masks]
    for text in boxes:
        corners = read_numbers("box", text, text, 4)
        box = Region.from_box(corners, height, width).masks[0]
        try:
            named.append((f"box {text}", box if points is None else object_in_box(box, points)))
        except ValueError as error:
            raise ValueError(f"--box {text}: {error}") from error
    for name, mask in named:
        if not bool(mask.any()):
            raise ValueError(f"{name} is empty: mark the pixels of the object")
        if points is not None and not bool((mask & points.valid).any()):
            raise ValueError(
                f"none of the {int(mask.sum())} pixels of {name} has depth (0, negative, NaN and infinite is unknown): "
                "mark an object that has, or lift without metres by --no-depth"
            )
    return LiftInput(source, frame, image, [mask for _, mask in named], intrinsics, points, origin, notes)


def _read_geometry(
    source: Path, frame: int, depth: DepthSource, camera: Camera
) -> tuple[Tensor, Tensor | None, PointMap | None, str | None]:
    """Read the picture, its camera where known, its points where there are any, and where those come from."""
    own = source.is_dir() and is_rgbd_folder(source)
    if depth.scale is not None and depth.file is None and not own:
        raise ValueError("--depth-scale needs a depth to scale: give --depth FILE or an RGB-D folder")
    if own:
        told = torch.eye(3) if camera != Camera() else None  # its own camera file is then not needed
        clip = read_rgbd_folder(source, indices=[frame], depth_scale=depth.scale, intrinsics=told)
    else:
        clip = open_clip(source, indices=[frame])
    image = clip.video[0]
    intrinsics = camera.read(clip.size)
    if intrinsics is None and clip.intrinsics is not None:
        intrinsics = clip.intrinsics[0]
    if depth.off:
        return image, intrinsics, None, None
    if depth.model is not None:
        given = None if intrinsics is None else intrinsics[None]
        found: DepthEstimate = DepthAnythingV2(depth.model)(clip.video, given)
        return image, intrinsics, found.points[0], f"model {depth.model}"
    if depth.file is not None:
        metres = read_depth_file(depth.file, depth.scale)
        if tuple(metres.shape) != clip.size:
            raise ValueError(
                f"depth '{depth.file}' is {metres.shape[1]}x{metres.shape[0]}, the picture {clip.size[1]}x"
                f"{clip.size[0]} pixels: give depth that is registered to the picture, of its size"
            )
        origin = str(depth.file)
    elif clip.depth is not None:
        metres, origin = clip.depth[0], "RGB-D folder"
    else:
        return image, intrinsics, None, None
    known = default_intrinsics(*clip.size, ASSUMED_FOV_DEG) if intrinsics is None else intrinsics
    points = unproject(metres, known)
    if not bool(points.valid.any()):
        raise ValueError(
            f"depth ({origin}) is unknown at every pixel (0, negative, NaN or infinite): give another one, or lift "
            "without metres by --no-depth"
        )
    return image, intrinsics, points, origin
