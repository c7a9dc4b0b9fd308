"""Preparation of the clips of a probe study from the videos of a data set: their frames, crop and size."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from einops import rearrange
from jaxtyping import Bool, Float, Shaped
from torch import Tensor
from torch.nn.functional import interpolate

from models.geometry import crop_intrinsics, resize_intrinsics
from probes.clips.object_window import Box, Unsuitable, choose_window, object_box
from probes.clips.seeding import clip_generator
from scenes.clip import Clip
from scenes.datasets.co3d import Co3dSequence
from scenes.datasets.dl3dv import Dl3dvScene
from scenes.datasets.lost_cameras import LostCamera

SIZE = (540, 960)  # height and width of all prepared clips, as published
MAX_TRUNCATED = 0.25  # share of the object's boxes outside of the crop
MAX_UPSAMPLING = 1.5  # enlargement of the crop
FOREGROUND = 0.99  # probability from which on a pixel of a mask is object


@dataclass(frozen=True)
class Prepared:
    """A clip of a study, named after its video; its first frame in that video, and the mask of its object if any."""

    clip: Clip
    start: int
    foreground: Bool[Tensor, "time height width"] | None = None


def prepare_co3d(
    sequence: Co3dSequence, size: tuple[int, int] = SIZE, count: int = 81, depth: bool = False
) -> Prepared:
    """Cut out the window of an object's video that truncates the object least, cropped around the image centre.

    See `choose_window`. Source: the published preparation, specs/vidfm3d.md section 3.3, except that it resizes
    pictures without antialiasing and stores them as JPEG.

    Args:
        sequence: the video.
        size: height and width of the clip.
        count: frames of the clip.
        depth: whether to read depth (the published labels do not use it).

    Raises:
        Unsuitable: If the video is too short, the object is not in every frame, too much of it lies outside of the
            crop, the crop is too small, or a camera is lost.
    """
    boxes = [object_box(sequence.masks([index])[0]) for index in range(len(sequence))]
    try:
        window = choose_window(boxes, sequence.size, count, aspect=size[1] / size[0])
        if window.truncated > MAX_TRUNCATED:
            raise Unsuitable(
                f"{window.truncated:.0%} of the object lies outside of the crop, above {MAX_TRUNCATED:.0%}"
            )
        if (upsampling := window.upsampling(size)) > MAX_UPSAMPLING:
            raise Unsuitable(f"the crop would be enlarged {upsampling:.2f} times, above {MAX_UPSAMPLING}")
        index = range(window.start, window.start + count)
        clip = crop_and_resize(sequence.read(indices=index, depth=depth), window.crop, size)
    except Unsuitable as reason:
        raise Unsuitable(f"{sequence.name} is left out: {reason}") from reason
    except LostCamera as reason:
        raise Unsuitable(f"left out: {reason}") from reason
    probability = nearest(sequence.masks(index), window.crop, size)
    return Prepared(clip, window.start, probability >= FOREGROUND * 255)


def prepare_dl3dv(scene: Dl3dvScene, size: tuple[int, int] = SIZE, count: int = 150, seed: int = 0) -> Prepared:
    """Cut out consecutive frames of a video; the first one depends on the video's name and the seed.

    Source: specs/vidfm3d.md section 3.3; the published start was not seeded.

    Raises:
        Unsuitable: If the video is too short, or a camera is lost.
    """
    if len(scene) < count:
        raise Unsuitable(f"{scene.name} is left out: it has {len(scene)} frames, a clip takes {count}")
    generator = clip_generator(scene.name, seed)
    start = int(torch.randint(0, len(scene) - count + 1, (), generator=generator))
    try:
        clip = scene.read(indices=range(start, start + count))
    except LostCamera as reason:
        raise Unsuitable(f"left out: {reason}") from reason
    return Prepared(crop_and_resize(clip, (0, 0, clip.size[1], clip.size[0]), size), start)


def crop_and_resize(clip: Clip, crop: Box, size: tuple[int, int]) -> Clip:
    """Crop all frames of a clip and resize them to (height, width), with its intrinsics and (nearest-pixel) maps.

    Raises:
        ValueError: If the clip has the ground truth of a procedural world, which cannot be cropped.
    """
    if clip.truth is not None:
        raise ValueError(f"clip {clip.name} has the truth of a world, which a crop does not follow: render it smaller")
    left, top, right, bottom = crop
    intrinsics = clip.intrinsics
    if intrinsics is not None:
        intrinsics = resize_intrinsics(crop_intrinsics(intrinsics, left, top), (bottom - top, right - left), size)
    return replace(
        clip,
        video=torch.stack([_picture(frame[:, top:bottom, left:right], size) for frame in clip.video]),
        depth=None if clip.depth is None else nearest(clip.depth, crop, size),
        confidence=None if clip.confidence is None else nearest(clip.confidence, crop, size),
        intrinsics=intrinsics,
    )


def nearest(
    maps: Shaped[Tensor, "time height width"], crop: Box, size: tuple[int, int]
) -> Shaped[Tensor, "time rows cols"]:
    """Crop maps and resize them to (height, width) by the nearest pixel."""
    left, top, right, bottom = crop
    part = rearrange(maps[:, top:bottom, left:right], "time height width -> time 1 height width")
    resized: Tensor = rearrange(interpolate(part, size, mode="nearest-exact"), "time 1 rows cols -> time rows cols")
    return resized


def _picture(frame: Tensor, size: tuple[int, int]) -> Tensor:
    if tuple(frame.shape[1:]) == size:
        return frame
    # one frame at a time: 81 full frames as floats take two gigabytes
    resized: Float[Tensor, "3 rows cols"] = interpolate(
        frame[None].float(), size, mode="bicubic", antialias=True, align_corners=False
    )[0]
    return resized.round().clamp(0, 255).to(frame.dtype)
