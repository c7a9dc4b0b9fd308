"""RGB-D folders: colour, sensor depth, camera poses and intrinsics."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from einops import repeat
from jaxtyping import Float
from torch import Tensor

from scenes.clip import Clip
from scenes.clip_checks import check_clip, check_poses
from scenes.readers.depth_file import check_metres, read_depth_map, refuse_shifted
from scenes.readers.frame_choice import choose_frames
from scenes.readers.image_files import stack_pictures
from scenes.readers.rgbd.conventions import View, check_conventions
from scenes.readers.rgbd.frames import fit_cameras, on_colour, read_colour, read_depth_on_colour, read_sensor_image
from scenes.readers.rgbd.layouts import layout_of
from scenes.readers.rgbd.listing import Cameras, RgbdListing, Size, keep
from scenes.readers.rgbd.times import check_seconds
from scenes.readers.up_axis import Up, turn_z_up

log = logging.getLogger(__name__)
GivenCamera = Float[Tensor, "3 3"] | Callable[[Size], Float[Tensor, "3 3"]]


def is_rgbd_folder(path: str | Path) -> bool:
    """Tell whether a folder has a layout that `read_rgbd_folder` reads, or a part of one."""
    return Path(path).is_dir() and layout_of(Path(path)) is not None


def read_rgbd_folder(
    path: str | Path,
    frames: int | None = None,
    indices: Sequence[int] | None = None,
    depth_scale: int | float | None = None,
    fps: int | float | None = None,
    intrinsics: GivenCamera | None = None,
    up: Up | None = None,
) -> Clip:
    """Read an RGB-D folder: `frames` frames uniformly from first to last, or `indices`, or all.

    The layout is found by the files that are there: Redwood / Open3D and what `region4d prepare` writes, TUM, ScanNet,
    ScanNet++, ARKitScenes, nerfstudio, COLMAP, SUN RGB-D, 7-Scenes (see `scenes.readers.rgbd.layouts`). nerfstudio and
    COLMAP folders may lack depth: the clip then has poses only. The first usable frame of the folder is at second 0.

    The clip has the grid of the colour pictures as their sensor took them (EXIF orientation is not applied, because
    depth has none), undistorted. Depth of another size is sampled at the colour pixels, through both cameras where both
    are known. Frames without a pose are left out; this and other notes are logged as warnings.

    Args:
        path: the folder.
        frames: how many frames.
        indices: which of the usable frames, instead.
        depth_scale: units of the depth files in one metre, instead of those of the layout; the median depth is then not
            checked.
        fps: frames a second where the layout has no times; by default that of the layout.
        intrinsics: pinhole in pixels with centres at .5, or a function that gives it for a (height, width); by default
            that of the layout. Open3D's JSON counts from the centre of the first pixel: 319.5 there is 320 here.
        up: axis of the folder's world that points up; the clip's world is turned by it to z-up. By default that of the
            layout, what `write_rgbd_folder` noted in `up.txt`, or "auto": the signed axis nearest to the mean up
            direction (-y) of all its cameras ("-y" in the Redwood living room).

    Raises:
        FileNotFoundError: the folder, or a file that it needs, is missing.
        ImportError: depth is EXR, and the extra "exr" is not installed.
        ValueError: counts or sizes differ, or depth, intrinsics or a pose cannot be used, or depth of one frame in
            another shows that the poses have another convention.
    """
    path = Path(path)
    if not path.is_dir():
        raise FileNotFoundError(f"no such RGB-D folder: {path}")
    layout = layout_of(path)
    if layout is None:
        raise FileNotFoundError(f"{path} has no pictures in color/: it has no layout of an RGB-D folder that is known")
    listing = _with_poses(layout.list(path, fps), path)
    check_seconds(listing.seconds, str(path))
    for note in listing.notes:
        log.warning("%s: %s", path, note)
    index = choose_frames(len(listing), frames, indices, path)
    chosen = listing.take(index)
    first = read_sensor_image(chosen.colour[0])
    size = (first.shape[1], first.shape[2])
    cameras = _cameras(chosen, size, intrinsics)
    every = range(len(chosen))
    video = stack_pictures([(chosen.colour[i], read_colour(chosen, i, cameras)) for i in every])
    clip = Clip(
        video,
        (chosen.seconds - listing.seconds[0]).float(),
        intrinsics=cameras.intrinsics,
        name=path.name,
        metric=listing.metric,
        frame_names=tuple(path.stem for path in chosen.colour),
    )
    if chosen.depth is not None:
        depth = torch.stack([read_depth_on_colour(chosen, i, size, cameras, depth_scale) for i in every])
        clip = replace(clip, depth=depth)
        if listing.metric and depth_scale is None:
            check_metres(depth, str(path))
            if not listing.shifted_bits:
                refuse_shifted(chosen.depth[0], depth[0])
    if chosen.confidence is not None:
        clip = replace(clip, confidence=torch.stack([_read_confidence(chosen, i, size, cameras) for i in every]))
    if listing.world_T_cam is not None:
        clip = replace(clip, world_T_cam=turn_z_up(listing.world_T_cam, _up(path, listing, up))[index])
    check_clip(clip, path)
    if listing.world_T_cam is not None and clip.depth is not None:
        view = _views(listing, clip, index, intrinsics, depth_scale)
        name = f"{path}, {listing.poses_from}"
        check_conventions(listing.world_T_cam, index, view, listing.metric, name)
    return clip


def _views(
    listing: RgbdListing, clip: Clip, index: Sequence[int], given: GivenCamera | None, scale: int | float | None
) -> Callable[[int], View]:
    """Give depth and intrinsics of any frame of the folder, read if the clip does not have them."""

    def view(frame: int) -> View:
        assert clip.depth is not None
        assert clip.intrinsics is not None
        if frame in index:
            return clip.depth[index.index(frame)], clip.intrinsics[index.index(frame)]
        one = listing.take([frame])
        cameras = _cameras(one, clip.size, given)
        return read_depth_on_colour(one, 0, clip.size, cameras, scale), cameras.intrinsics[0]

    return view


def _with_poses(listing: RgbdListing, path: Path) -> RgbdListing:
    """Leave out frames that have no pose; check the poses of all others, because they say which way is up."""
    if listing.world_T_cam is None:
        return listing
    numbers = torch.isfinite(listing.world_T_cam[:, :3]).flatten(1)
    listing = keep(listing, numbers.any(1), f"they have no pose in {listing.poses_from}")
    assert listing.world_T_cam is not None
    check_poses(listing.world_T_cam, f"{path}, {listing.poses_from}")
    return listing


def _cameras(listing: RgbdListing, size: Size, given: GivenCamera | None) -> Cameras:
    """Take the given camera for all frames, or fit that of the layout."""
    if given is None:
        return fit_cameras(listing.cameras(range(len(listing))), size)
    one = given(size) if callable(given) else given
    return Cameras(repeat(one, "row col -> time row col", time=len(listing)), listing.colour[0].parent, size)


def _read_confidence(listing: RgbdListing, index: int, size: Size, cameras: Cameras) -> Float[Tensor, "height width"]:
    assert listing.confidence is not None
    path = listing.confidence[index]
    values = read_depth_map(path, listing.confidence_scale, listing.confidence_scale)
    return on_colour(listing, index, size, cameras, values, path)


def _up(path: Path, listing: RgbdListing, up: Up | None) -> Up:
    if up in (None, "auto") and (path / "up.txt").is_file():
        return "z"  # the only axis that write_rgbd_folder writes
    return up or listing.up
