"""TUM RGB-D folders: `rgb.txt`, `depth.txt`, `groundtruth.txt`, matched by time.

Source: the file formats of cvg.cit.tum.de/data/datasets/rgbd-dataset.
"""

from __future__ import annotations

from pathlib import Path

from jaxtyping import Float
from torch import Tensor

from scenes.readers.rgbd.layouts.redwood import pinhole_cameras
from scenes.readers.rgbd.listing import RgbdListing, inside, nearest
from scenes.readers.rgbd.text import read_table
from scenes.readers.rgbd.times import read_seconds
from scenes.readers.rgbd.trajectories import read_tum

MAX_GAP = 0.02  # seconds between a colour frame and its depth or pose, as in the TUM association script


def matches(folder: Path) -> bool:
    """Tell whether a folder has this layout."""
    return (folder / "rgb.txt").is_file()


def list_tum(folder: Path, fps: int | float | None) -> RgbdListing:
    """List `rgb.txt`, `depth.txt` (1/5000 m) and `groundtruth.txt`, matched by nearest time; `fps` is not needed.

    A colour frame without depth or pose within 0.02 s is left out, as in TUM's own association script. Without
    `groundtruth.txt` the poses are unknown. The camera is a pinhole JSON of Open3D's.

    Raises:
        FileNotFoundError: `depth.txt` is missing.
        ValueError: a file is malformed, a name leads out of the folder, or no frame has both depth and pose.
    """
    if not (folder / "depth.txt").is_file():
        raise FileNotFoundError(f"{folder} has no depth.txt, which a TUM folder needs beside rgb.txt")
    (colour_times, colour), (depth_times, depth) = (_read_list(folder, name) for name in ("rgb.txt", "depth.txt"))
    depth_index, depth_gap = nearest(colour_times, depth_times)
    near, poses, notes = depth_gap <= MAX_GAP, None, []
    if (folder / "groundtruth.txt").is_file():
        pose_times, world_T_cam = read_tum(folder / "groundtruth.txt")
        pose_index, pose_gap = nearest(colour_times, pose_times)
        near, poses = near & (pose_gap <= MAX_GAP), world_T_cam[pose_index]
    else:
        notes = ["there is no groundtruth.txt: the camera poses are unknown"]
    kept = near.nonzero()[:, 0].tolist()
    if not kept:
        raise ValueError(
            f"{folder}: no colour frame has depth{' and pose' if poses is not None else ''} within {MAX_GAP} s; check "
            "that the files use one clock"
        )
    return RgbdListing(
        [colour[i] for i in kept],
        colour_times[kept],
        lambda index: pinhole_cameras(folder, len(index)),
        depth=[depth[depth_index[i]] for i in kept],
        world_T_cam=None if poses is None else poses[kept],
        depth_scale=5000,
        poses_from="groundtruth.txt",
        notes=notes,
    )


def _read_list(folder: Path, name: str) -> tuple[Float[Tensor, "row"], list[Path]]:
    seconds = read_seconds(folder / name)
    rows = read_table(folder / name)
    if not rows or any(len(row) < 2 for row in rows):
        raise ValueError(f"{folder / name} needs lines 'seconds file'")
    return seconds, [inside(folder, row[1], folder / name) for row in rows]
