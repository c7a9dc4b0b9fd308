"""Opening footage as flags describe it: which frames, which regions in them, and their geometry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from torch.nn.functional import adaptive_max_pool2d

from models.regions import Region
from region4d.footage.geometry import CameraOrigin, GeometrySource, locate
from region4d.footage.marks import PROMPTS, Mark, Pointer, regions_of
from region4d.footage.segmenting import Segmenting
from scenes.clip import Clip
from scenes.readers.image_files import IMAGE_SUFFIXES
from scenes.readers.open_clip import open_clip
from scenes.readers.rgbd import is_rgbd_folder, read_rgbd_folder
from scenes.readers.video import Backend

MAX_PIXELS = 70_000_000  # of all frames of a video together: 210 MB, 33 frames of 1080p


@dataclass(frozen=True)
class FrameChoice:
    """Which frames to use: `count` of them, sampled uniformly, or frame `index` alone.

    `partial` allows a cut or damaged video, and `backend` decodes its pixels. Raises ValueError unless exactly one of
    `count` and `index` is given.
    """

    count: int | None = None
    index: int | None = None
    partial: bool = False
    backend: Backend = "pyav"

    def __post_init__(self) -> None:
        if (self.count is None) == (self.index is None):
            raise ValueError("--frames and --frame exclude each other; give one of them")


@dataclass(frozen=True)
class MarkedClip:
    """A clip with the regions marked in it.

    `depth` names the origin of the depth (None: there is none) and `camera` that of the intrinsics. `frame` is the one
    frame that was kept of a sampled clip, counted among the sampled ones; None where all were kept.
    """

    clip: Clip
    marks: Sequence[Mark]
    depth: str | None
    camera: CameraOrigin
    frame: int | None = None
    remarks: Sequence[str] = ()  # on the poses, and what a segmenter did, one line each

    @property
    def relative(self) -> bool:
        """Whether there is depth, but of unknown scale."""
        return self.depth is not None and not self.clip.metric

    @property
    def regions(self) -> list[Region]:
        """The regions; item k is `<region k>` of a question."""
        return regions_of(self.marks)

    @property
    def notes(self) -> list[str]:
        """What was done to fit the frames into memory, what poses rely on, and what a segmenter did, in words."""
        if self.clip.full_size is None:
            return list(self.remarks)
        (height, width), (full_height, full_width) = self.clip.size, self.clip.full_size
        return [
            f"frames of {full_width}x{full_height} were read at {width}x{height} to fit into memory; flags count "
            "pixels of the file; fewer --frames are read larger",
            *self.remarks,
        ]


def open_footage(
    source: Path,
    frames: FrameChoice,
    pointers: Sequence[Pointer],
    geometry: GeometrySource,
    *,
    one_frame: bool = False,
    default_depth_model: str | None = None,
    segmenter: str | None = None,
) -> MarkedClip:
    """Open footage, draw the regions and add the geometry.

    Only the frame of the regions is kept if `one_frame` asks for it, and where there is depth without camera poses,
    which would join frames in one space.

    Args:
        source: a video, a picture, a folder of pictures or an RGB-D folder.
        frames: which frames.
        pointers: the regions.
        geometry: where depth and the camera come from.
        one_frame: keep one frame, whatever the geometry.
        default_depth_model: estimates the depth where neither flags nor footage give any.
        segmenter: SAM 2 or SAM 3, a folder or name, for clicks and texts.

    Raises:
        FileNotFoundError: a file or checkpoint does not exist.
        ValueError: a file or flag cannot be used.
    """
    clip = read_frames(source, frames, geometry)
    segmenting = Segmenting.of(pointers, clip, segmenter, geometry.device)
    drawn = [pointer for pointer in pointers if pointer.kind not in PROMPTS]
    marks: Sequence[Mark] = [mark for pointer in drawn for mark in _marks(pointer, clip)]
    pointed = sorted({mark.frame for mark in marks} | segmenting.frames)
    if not geometry.no_depth and geometry.depth is None and geometry.provider_name is None and clip.depth is None:
        geometry = replace(geometry, depth_model=default_depth_model)
    provider = geometry.provider()
    frame = None
    unjoined = clip.world_T_cam is None and provider is not None
    if len(clip) > 1 and (one_frame or unjoined) and (provider is None or not provider.joins_frames):
        frame = _marked_frame(pointed, one_frame)
        clip = clip.frames([frame])
    located = locate(clip, geometry, provider)
    clip = located.clip
    if len(clip) > 1 and (one_frame or (clip.depth is not None and clip.world_T_cam is None)):
        frame = _marked_frame(pointed, one_frame)
        clip = clip.frames([frame])
    if frame is not None:
        marks = [replace(mark, frame=0) for mark in marks]
        segmenting = segmenting.on_one_frame()
    segmented, notes = segmenting(clip)
    poses = geometry.pose_notes if len(clip) > 1 else []
    photo = source.suffix.lower() in IMAGE_SUFFIXES and not source.is_dir()
    camera: CameraOrigin = "EXIF" if photo and located.camera == "footage" else located.camera
    return MarkedClip(clip, [*marks, *segmented], located.depth, camera, frame, [*poses, *notes])


def read_frames(source: Path, frames: FrameChoice, geometry: GeometrySource) -> Clip:
    """Read the frames of a clip with its own geometry, whose depth scale and camera `geometry` may give."""
    indices = None if frames.index is None else [frames.index]
    if is_rgbd_folder(source):
        given = geometry.camera if geometry.has_camera else None
        return read_rgbd_folder(source, frames.count, indices, depth_scale=geometry.depth_scale, intrinsics=given)
    if geometry.depth_scale is not None and geometry.depth is None:
        raise ValueError("--depth-scale needs a depth to scale: give --depth FILE or an RGB-D folder")
    return open_clip(source, frames.count, frames.partial, indices, frames.backend, MAX_PIXELS)


def _marks(pointer: Pointer, clip: Clip) -> list[Mark]:
    """Draw masks in pixels of the file; where frames were read smaller, a pixel that holds any of it is inside."""
    marks = pointer.marks(clip)
    if clip.full_size is None:
        return marks
    return [replace(mark, mask=adaptive_max_pool2d(mark.mask[None].float(), clip.size)[0] > 0) for mark in marks]


def _marked_frame(marked: Sequence[int], one_frame: bool) -> int:
    """Name the frame in which everything is marked; the first one if nothing is."""
    if len(marked) > 1:
        reason = "one frame is lifted" if one_frame else "no camera poses join the frames of this input in one space"
        remedy = "" if one_frame else ", estimate poses by --geometry, or use --no-depth"
        raise ValueError(f"regions are marked on frames {marked}, but {reason}; mark all on one frame{remedy}")
    return marked[0] if marked else 0
