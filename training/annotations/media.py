"""The media of a line of training data: its clip, and the regions that are marked on it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Bool
from torch import Tensor
from torch.nn.functional import adaptive_max_pool2d
from torchvision.transforms.v2.functional import resize

from models.geometry import default_intrinsics
from models.regions import Region
from scenes.clip import Clip, uniform_frames
from scenes.readers.depth_file import MILLIMETRES, read_depth_file, read_depth_map
from scenes.readers.image_files import IMAGE_SUFFIXES, list_images, read_image
from scenes.readers.masks.coco import draw_segmentation
from scenes.readers.masks.mask_file import read_mask
from scenes.readers.open_clip import open_clip
from scenes.readers.rgbd import is_rgbd_folder
from scenes.readers.video.listing import list_frames
from training.annotations.line import Annotation, Depth, Mark, Media

MAX_PIXELS = 70_000_000  # of all frames of a video together
ASSUMED_FOV_DEG = 60  # horizontal, of an image with depth whose camera nobody knows
Size = tuple[int, int]  # height, width


def open_annotation(annotation: Annotation, root: Path, frames: int) -> tuple[Clip | None, list[Region]]:
    """Open the media of a line and draw its regions; without media there is no clip.

    Args:
        annotation: the line.
        root: folder that relative paths are in.
        frames: how many are sampled where the line does not say.

    Raises:
        FileNotFoundError: a file does not exist.
        ValueError: a file cannot be read, or a mark is not inside the frame that it is on.
    """
    if annotation.media is None:
        return None, []
    clip, sizes = open_media(annotation.media, root, frames)
    return clip, draw_regions(annotation, root, sizes, clip.size)


def footage_fields(path: Path, frames: int) -> dict[str, Any]:
    """Write the keys of a line for `frames` frames of footage, taken uniformly as `open_clip` does."""
    if path.suffix.lower() in IMAGE_SUFFIXES:
        return {"image": str(path)}
    if not path.is_dir():
        return {"video": str(path), "frames": frames}
    if is_rgbd_folder(path):
        return {"folder": str(path), "frames": frames}
    pictures = list_images(path)
    index = uniform_frames(len(pictures), frames)
    return {"images": [str(pictures[k]) for k in index], "seconds": [float(k) for k in index]}


def draw_regions(annotation: Annotation, root: Path, sizes: Sequence[Size], size: Size) -> list[Region]:
    """Draw the regions of a line on its clip, of which `open_media` tells the sizes; errors as `open_annotation`."""
    return [_region(f"region {k}", marks, root, sizes, size) for k, marks in enumerate(annotation.regions)]


def open_media(media: Media, root: Path, frames: int) -> tuple[Clip, list[Size]]:
    """Open a clip, and list the sizes that its frames have on disk; errors as `open_annotation`."""
    paths = [root / path for path in media.paths]
    if media.kind in ("image", "images"):
        return _stack(paths, media, root)
    indices = list(media.indices) if media.indices is not None else None
    if media.kind == "video" and media.seconds is not None:
        listing = list_frames(paths[0])
        first = listing.times[0]
        indices = nearest_frames([float((t - first) * listing.time_base) for t in listing.times], media.seconds)
    count = None if indices is not None else media.frames or frames
    clip = open_clip(paths[0], count, indices=indices, max_pixels=MAX_PIXELS)
    if not media.geometry:
        clip = replace(clip, depth=None, intrinsics=None, world_T_cam=None)
    if len(clip) > 1 and clip.depth is not None and clip.world_T_cam is None:
        raise ValueError(
            f"{media.paths[0]} has depth but no camera poses, which would join its frames; add one of "
            '"geometry": false, or "frames": 1'
        )
    return clip, [clip.full_size or clip.size] * len(clip)


def _stack(paths: Sequence[Path], media: Media, root: Path) -> tuple[Clip, list[Size]]:
    """Read pictures as frames of the size of the first."""
    pictures = [read_image(path) for path in paths]
    sizes = [(picture.shape[1], picture.shape[2]) for picture in pictures]
    frames = [picture if picture.shape[1:] == sizes[0] else resize(picture, sizes[0]) for picture in pictures]
    seconds = torch.tensor(media.seconds or range(len(paths)), dtype=torch.float)
    clip = Clip(torch.stack(frames), seconds, name=paths[0].stem, frame_names=tuple(path.stem for path in paths))
    return (clip if media.depth is None else _with_depth(clip, media.depth, root)), sizes


def _with_depth(clip: Clip, depth: Depth, root: Path) -> Clip:
    path, units = root / depth.file, depth.units_per_metre
    metres = read_depth_file(path, units) if depth.metric else read_depth_map(path, units or MILLIMETRES, units or 1)
    if tuple(metres.shape) != clip.size:
        raise ValueError(
            f"depth must have the size of its image; {depth.file} is {metres.shape[1]}x{metres.shape[0]}, expected "
            f"{clip.size[1]}x{clip.size[0]}"
        )
    intrinsics = default_intrinsics(*clip.size, depth.fov_deg or ASSUMED_FOV_DEG)[None]
    return replace(clip, depth=metres[None], intrinsics=intrinsics, metric=depth.metric)


def _region(name: str, marks: Sequence[Mark], root: Path, sizes: Sequence[Size], size: Size) -> Region:
    masks: dict[int, Bool[Tensor, "height width"]] = {}
    for mark in marks:
        if mark.frame >= len(sizes):
            raise ValueError(f"{name} is on frame {mark.frame}, but {len(sizes)} frames are used (from 0)")
        try:
            mask = draw_mark(mark, root, *sizes[mark.frame])
        except ValueError as error:
            raise ValueError(f"{name}, frame {mark.frame}: {error}") from error
        if sizes[mark.frame] != size:  # a pixel that holds any of it is inside
            mask = adaptive_max_pool2d(mask[None].float(), size)[0] > 0
        masks[mark.frame] = masks[mark.frame] | mask if mark.frame in masks else mask
    return Region(masks, name)


def draw_mark(mark: Mark, root: Path, height: int, width: int) -> Bool[Tensor, "height width"]:
    """Draw a mark on a frame of `height` x `width`.

    Raises:
        FileNotFoundError: a mask file does not exist.
        ValueError: the mark is malformed, outside of the frame, or empty.
    """
    if mark.kind == "box":
        return Region.from_box(mark.value, height, width).masks[0]
    if mark.kind == "points":
        return Region.from_points(mark.value, mark.radius, height, width).masks[0]
    if mark.kind == "mask":
        path, label = re.fullmatch(r"(.+?)(?:#(\d+))?", mark.value, re.DOTALL).groups()  # type: ignore[union-attr]
        mask = read_mask(root / path, height, width, None if label is None else int(label))
    else:
        if mark.kind == "rle" and list(mark.value["size"]) != [height, width]:
            raise ValueError(f"the code is of size {list(mark.value['size'])}, its frame is [{height}, {width}]")
        mask = torch.from_numpy(draw_segmentation(mark.value, height, width))
    if not bool(mask.any()):
        raise ValueError(f"the {mark.kind} marks no pixel")
    return mask


def nearest_frames(times: Sequence[float], wanted: Sequence[float]) -> list[int]:
    """Find the frames nearest to the times that are wanted; a frame is taken once.

    Raises:
        ValueError: two of the times have the same nearest frame.
    """
    ordered = torch.tensor(times, dtype=torch.float64)
    found: list[int] = [int((ordered - second).abs().argmin()) for second in wanted]
    if len(set(found)) < len(found):
        raise ValueError(f"{len(wanted)} seconds fall on {len(set(found))} frames of this video; leave some out")
    return found
