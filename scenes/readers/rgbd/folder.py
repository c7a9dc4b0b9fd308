"""RGB-D folders: colour, sensor depth, camera poses and intrinsics."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from einops import repeat
from jaxtyping import Float
from torch import Tensor

from scenes.clip import Clip
from scenes.clip_checks import check_clip
from scenes.readers.frame_choice import choose_frames
from scenes.readers.image_files import read_depth, read_image, stack_pictures, write_depth, write_image
from scenes.readers.rgbd.layouts import list_redwood, list_tum, write_log
from scenes.readers.rgbd.pinhole import read_pinhole, write_pinhole
from scenes.readers.up_axis import Up, turn_z_up
from scenes.storage.atomic import new_folder, refuse_existing


def is_rgbd_folder(path: str | Path) -> bool:
    """Tell whether a folder has a part of an RGB-D folder."""
    return any((Path(path) / part).exists() for part in ("rgb.txt", "color", "depth"))


def read_rgbd_folder(
    path: str | Path,
    frames: int | None = None,
    indices: Sequence[int] | None = None,
    depth_scale: int | float | None = None,
    fps: int | float = 30,
    intrinsics: Float[Tensor, "3 3"] | None = None,
    up: Up = "auto",
) -> Clip:
    """Read an RGB-D folder: `frames` frames uniformly from first to last, or `indices`, or all.

    Redwood / Open3D: `color/`, `depth/` (16-bit), `trajectory.log` (or Open3D's `trajectory.json`), one pinhole JSON,
    and optionally `timestamps.txt` (seconds, one a line). TUM: `rgb.txt`, `depth.txt`, `groundtruth.txt`. The first
    frame of the folder is at second 0. Colour and depth have equal size and are registered to each other.

    Args:
        path: the folder.
        frames: how many frames.
        indices: which frames, instead.
        depth_scale: units of the depth pictures in one metre; by default 1000 (Redwood) or 5000 (TUM).
        fps: frames a second of a Redwood folder without `timestamps.txt`.
        intrinsics: pinhole in pixels with centres at .5; by default from the JSON, whose principal point counts from
            the centre of the first pixel (Open3D), so that 319.5 there is 320 here.
        up: axis of the folder's world that points up; the clip's world is turned by it to z-up. "auto": what
            `write_rgbd_folder` noted in `up.txt`, else the signed axis nearest to the mean up direction (-y) of all
            its cameras ("-y" in the Redwood living room).

    Raises:
        FileNotFoundError: the folder, or a file that it needs, is missing.
        ValueError: counts or sizes differ, or depth, intrinsics or a pose cannot be used.
    """
    path = Path(path)
    if not path.is_dir():
        raise FileNotFoundError(f"no such RGB-D folder: {path}")
    listing = list_tum(path) if (path / "rgb.txt").is_file() else list_redwood(path, fps)
    if up == "auto" and (path / "up.txt").is_file():
        up = "z"  # the only axis that write_rgbd_folder writes
    world_T_cam = turn_z_up(listing.world_T_cam, up)
    index = choose_frames(len(listing.colour), frames, indices, path)
    video = stack_pictures([(listing.colour[i], read_image(listing.colour[i])) for i in index])
    scale = depth_scale or listing.depth_scale
    depth = stack_pictures([(listing.depth[i], read_depth(listing.depth[i], scale)) for i in index])
    size = (video.shape[2], video.shape[3])
    if (depth.shape[1], depth.shape[2]) != size:
        raise ValueError(
            f"{path}: depth is {depth.shape[2]}x{depth.shape[1]} pixels, colour {size[1]}x{size[0]}; register the "
            "depth to the colour pictures"
        )
    if intrinsics is None:
        intrinsics = read_pinhole(_find_pinhole(path), size)
    intrinsics = repeat(intrinsics, "row col -> time row col", time=len(index))
    return check_clip(Clip(video, listing.seconds[index], depth, intrinsics, world_T_cam[index], name=path.name))


def write_rgbd_folder(clip: Clip, path: str | Path, depth_scale: int | float = 1000) -> None:
    """Write a clip as a Redwood / Open3D folder, all or nothing: it appears under its name when it is complete.

    Colour is lossless PNG; depth is rounded to 1 / `depth_scale` metres. Times go to `timestamps.txt`, and `up.txt`
    notes that the world is z-up. The truth of a procedural world is not written.

    Raises:
        FileExistsError: `path` exists.
        ValueError: the clip lacks depth, intrinsics or poses, its intrinsics change over time, or its depth is too
            large.
    """
    refuse_existing(Path(path))
    if clip.depth is None or clip.intrinsics is None or clip.world_T_cam is None:
        raise ValueError("an RGB-D folder needs a clip with depth, intrinsics and poses")
    check_clip(clip)
    if not torch.equal(clip.intrinsics, clip.intrinsics[:1].expand_as(clip.intrinsics)):
        raise ValueError("an RGB-D folder has one camera, but the intrinsics of this clip change over time")
    with new_folder(path) as draft:
        (draft / "color").mkdir()
        (draft / "depth").mkdir()
        for i in range(len(clip)):
            write_image(draft / "color" / f"{i:05d}.png", clip.video[i])
            write_depth(draft / "depth" / f"{i:05d}.png", clip.depth[i], depth_scale)
        write_log(draft / "trajectory.log", clip.world_T_cam)
        write_pinhole(draft / "camera.json", clip.intrinsics[0], clip.size)
        (draft / "timestamps.txt").write_text("".join(f"{second:.9g}\n" for second in clip.seconds.tolist()))
        (draft / "up.txt").write_text("z\n")


def _find_pinhole(folder: Path) -> Path:
    cameras = sorted(file for file in folder.glob("*.json") if file.name != "trajectory.json")
    if len(cameras) != 1:
        raise FileNotFoundError(
            f"{folder} has {len(cameras)} pinhole files (*.json), expected one; or pass the intrinsics (--intrinsics)"
        )
    return cameras[0]
