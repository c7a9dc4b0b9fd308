"""nerfstudio: pictures and cameras in `transforms.json`, also of Instant NGP, Polycam and Record3D.

Source: docs.nerf.studio/quickstart/data_conventions.html.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch

from models.geometry import swap_opengl
from scenes.readers.image_files import natural_order
from scenes.readers.rgbd.distortion import Distortion
from scenes.readers.rgbd.listing import Cameras, RgbdListing, inside, pinholes
from scenes.readers.rgbd.text import numbers, read_json, whole_number

CAMERAS = "transforms.json"
FPS = 1  # pictures carry no times
_PERSPECTIVE = ("OPENCV", "PINHOLE", "SIMPLE_PINHOLE", "PERSPECTIVE")
_SMALLER = ("images_2", "images_4", "images_8")  # nerfstudio's smaller copies of images/


def matches(folder: Path) -> bool:
    """Tell whether a folder has this layout."""
    return (folder / CAMERAS).is_file()


def list_nerfstudio(folder: Path, fps: int | float | None) -> RgbdListing:
    """List the frames of `transforms.json` in natural order of their names, one a second unless `fps` says better.

    `transform_matrix` is world_T_cam with OpenGL camera axes; intrinsics stand in each frame or once for all. Depth
    (`depth_file_path`) is in millimetres, in integers and in floating-point numbers. Lengths are metric where there is
    depth and the cameras are not from COLMAP (`colmap_im_id`), else of unknown scale. Distorted pictures are
    undistorted.

    Raises:
        FileNotFoundError: a picture is missing.
        ValueError: the file has another form, or a name leads out of the folder.
    """
    return list_transforms(folder / CAMERAS, folder, fps)


def list_transforms(path: Path, folder: Path, fps: int | float | None) -> RgbdListing:
    """List the frames of a file of this form, whose names are relative to `folder`. Raises as `list_nerfstudio`."""
    content = read_json(path)
    frames = content.get("frames")
    if not isinstance(frames, list) or not frames or not all(isinstance(frame, dict) for frame in frames):
        raise ValueError(f"{path} has no frames: need 'frames' with file_path and transform_matrix")
    frames = sorted(frames, key=lambda frame: natural_order(str(frame.get("file_path"))))
    form = f"{path}: a transform_matrix is not 4x4 numbers"
    poses = numbers([frame.get("transform_matrix") for frame in frames], form)
    if poses.shape[1:] != (4, 4):
        raise ValueError(form)
    with_depth = ["depth_file_path" in frame for frame in frames]
    if any(with_depth) and not all(with_depth):
        raise ValueError(f"{path}: {sum(with_depth)} of {len(frames)} frames have depth_file_path: give it for all")
    colmap = any("colmap_im_id" in frame for frame in frames)
    return RgbdListing(
        [_picture(folder, frame, path) for frame in frames],
        torch.arange(len(frames), dtype=torch.float64) / (fps or FPS),
        lambda index: _cameras(content, [frames[i] for i in index], path),
        depth=[_file(folder, frame["depth_file_path"], path) for frame in frames] if all(with_depth) else None,
        world_T_cam=swap_opengl(poses).float(),
        depth_scale=1000,
        float_scale=1000,
        other_size=True,
        metric=all(with_depth) and not colmap,
        up="camera" if colmap or not all(with_depth) else "auto",
        poses_from=path.name,
    )


def _picture(folder: Path, frame: dict[str, Any], source: Path) -> Path:
    path = _file(folder, frame.get("file_path"), source)
    if path.suffix == "":  # the synthetic scenes of NeRF leave it out
        path = path.with_name(f"{path.name}.png")
    smaller = (path.parent.with_name(name) / path.name for name in _SMALLER)
    found = next((file for file in (path, *smaller) if file.is_file()), None)
    if found is None:
        raise FileNotFoundError(f"{path} is missing, but {source} names it")
    return found


def _file(folder: Path, name: Any, source: Path) -> Path:
    if not isinstance(name, str) or not name:
        raise ValueError(f"{source}: a frame has no file_path, or one that is not text")
    return inside(folder, name, source)


def _cameras(content: dict[str, Any], frames: list[dict[str, Any]], path: Path) -> Cameras:
    merged = [content | frame for frame in frames]  # a frame's own camera goes before the shared one
    sizes = {_size(camera, path) for camera in merged}
    if len(sizes) != 1:
        raise ValueError(f"{path} has pictures of several sizes: all frames must have the same size")
    size = sizes.pop()
    distortion = [_distortion(camera, path) for camera in merged]
    intrinsics = pinholes(torch.tensor([_pinhole(camera, size, path) for camera in merged]))
    return Cameras(intrinsics, path, size, resizable=True, distortion=distortion)


def _size(camera: dict[str, Any], path: Path) -> tuple[int, int] | None:
    if "w" not in camera and "h" not in camera:
        return None
    form = f"{path} needs the whole numbers w and h"
    height, width = numbers([camera.get("h"), camera.get("w")], form).tolist()
    return whole_number(height, form), whole_number(width, form)


def _pinhole(camera: dict[str, Any], size: tuple[int, int] | None, path: Path) -> list[float]:
    need = f"{path} needs the numbers fl_x, fl_y, cx and cy (or camera_angle_x, w and h)"
    if "fl_x" not in camera and "camera_angle_x" in camera:
        if size is None:
            raise ValueError(need)
        height, width = size
        angle = float(numbers(camera["camera_angle_x"], need))
        if not 0 < angle < math.pi:
            raise ValueError(f"{path}: camera_angle_x is {angle:.3g}, expected radians between 0 and pi")
        focal = 0.5 * width / math.tan(angle / 2)
        default: dict[str, Any] = {"fl_x": focal, "fl_y": focal, "cx": width / 2, "cy": height / 2}
    else:
        default = {"fl_y": camera.get("fl_x")}
    return numbers([{**default, **camera}.get(key) for key in ("fl_x", "fl_y", "cx", "cy")], need).tolist()


def _distortion(camera: dict[str, Any], path: Path) -> Distortion | None:
    model = camera.get("camera_model", "OPENCV")
    if model not in (*_PERSPECTIVE, "OPENCV_FISHEYE"):
        raise ValueError(
            f"{path} has camera_model {str(model)[:40]!r}; this version reads OPENCV, OPENCV_FISHEYE and PINHOLE: "
            "undistort the pictures first"
        )
    keys = ("k1", "k2", "k3", "k4", "p1", "p2")
    given = numbers([camera.get(key, 0) for key in keys], f"{path}: {', '.join(keys)} must be numbers").tolist()
    k1, k2, k3, k4, p1, p2 = given
    if model == "OPENCV_FISHEYE":
        return Distortion((k1, k2, k3, k4), fisheye=True)
    if k4:
        raise ValueError(f"{path} has k4 = {k4:g} without camera_model OPENCV_FISHEYE: undistort the pictures first")
    return Distortion((k1, k2, k3), (p1, p2)) or None
