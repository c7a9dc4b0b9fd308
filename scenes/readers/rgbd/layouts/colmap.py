"""COLMAP: a sparse model, text or binary, and its pictures in `images/`.

Source: colmap.github.io/format.html and cameras.html.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from models.geometry import invert, matrix
from scenes.readers.image_files import natural_order
from scenes.readers.rgbd.distortion import Distortion
from scenes.readers.rgbd.listing import Cameras, RgbdListing, inside, keep, pinholes
from scenes.readers.rgbd.text import numbers, read_table, read_text, whole_number
from scenes.readers.rgbd.trajectories import rotation_from_quaternion

FPS = 1  # pictures carry no times
MODELS = ("sparse/0", "sparse", "colmap/sparse/0", "colmap", ".")  # where a sparse model lies
_PICTURES = ("images", ".", "images_2", "images_4", "images_8")
_DEPTH = ("geometric", "photometric")  # the kinds of stereo/depth_maps, the filtered one first
# name: number of parameters, by COLMAP's number; the models from FOV on are refused, apart from the plain fisheyes
_MODELS = {
    0: ("SIMPLE_PINHOLE", 3),
    1: ("PINHOLE", 4),
    2: ("SIMPLE_RADIAL", 4),
    3: ("RADIAL", 5),
    4: ("OPENCV", 8),
    5: ("OPENCV_FISHEYE", 8),
    6: ("FULL_OPENCV", 12),
    7: ("FOV", 5),
    8: ("SIMPLE_RADIAL_FISHEYE", 4),
    9: ("RADIAL_FISHEYE", 5),
    10: ("THIN_PRISM_FISHEYE", 12),
}


@dataclass(frozen=True)
class Camera:
    """A camera of a model: `parameters` in COLMAP's order."""

    model: str
    width: int
    height: int
    parameters: tuple[float, ...]


@dataclass(frozen=True)
class Image:
    """A registered picture; `cam_T_world` as quaternion (w, x, y, z) and translation."""

    name: str
    camera: int
    cam_T_world: tuple[float, ...]


def matches(folder: Path) -> bool:
    """Tell whether a folder has this layout."""
    return _model(folder) is not None


def list_colmap(folder: Path, fps: int | float | None) -> RgbdListing:
    """List the registered pictures in natural order of their names, one a second unless `fps` says better.

    Lengths are of unknown scale. Depth comes from `stereo/depth_maps/` of a dense workspace, where it is there.
    Pictures of the models SIMPLE_RADIAL, RADIAL, OPENCV, FULL_OPENCV and of their fisheyes are undistorted.

    Raises:
        FileNotFoundError: no picture is there.
        ValueError: the model is damaged, a name leads out of the folder, or a camera has another model.
    """
    found = _model(folder)
    assert found is not None
    place, suffix = found
    read_cameras, read_images = (_read_cameras, _read_images) if suffix == ".bin" else (_text_cameras, _text_images)
    cameras = read_cameras(place / f"cameras{suffix}")
    images = sorted(read_images(place / f"images{suffix}"), key=lambda image: natural_order(image.name))
    source = place / f"images{suffix}"
    if not images:
        raise ValueError(f"{source} has no registered picture")
    colour = [inside(folder, f"images/{image.name}", source) for image in images]
    colour = [_found(folder, image.name) or path for image, path in zip(images, colour, strict=True)]
    poses = numbers([image.cam_T_world for image in images], f"{source}: a pose is not 7 numbers")
    xyzw = poses[:, [1, 2, 3, 0]]
    notes = []
    if place.name == "0" and (place.parent / "1").is_dir():
        notes.append(f"{place.parent} has several models, which share no world: {place.name} is read")
    listing = RgbdListing(
        colour,
        torch.arange(len(images), dtype=torch.float64) / (fps or FPS),
        lambda index: _cameras([images[i] for i in index], cameras, place / f"cameras{suffix}"),
        depth=_depth(folder, images),
        world_T_cam=invert(matrix(rotation_from_quaternion(xyzw), poses[:, 4:])).float(),
        other_size=True,
        metric=False,
        up="camera",
        poses_from=source.name,
        notes=notes,
    )
    there = torch.tensor([file.is_file() for file in colour])
    if not bool(there.any()):
        raise FileNotFoundError(f"{colour[0]} is missing, but {source} names it: put the pictures into images/")
    listing = keep(listing, there, "their pictures are missing")
    if listing.depth is not None:
        listing = keep(listing, torch.tensor([file.is_file() for file in listing.depth]), "they have no depth map")
    return listing


def _model(folder: Path) -> tuple[Path, str] | None:
    """Find the model and the suffix of its files; COLMAP prefers binary ones."""
    for place in MODELS:
        for suffix in (".bin", ".txt"):
            if all((folder / place / f"{name}{suffix}").is_file() for name in ("cameras", "images")):
                return folder / place, suffix
    return None


def _found(folder: Path, name: str) -> Path | None:
    return next((folder / place / name for place in _PICTURES if (folder / place / name).is_file()), None)


def _depth(folder: Path, images: Sequence[Image]) -> list[Path] | None:
    maps = folder / "stereo" / "depth_maps"
    for kind in _DEPTH:
        files = [maps / f"{image.name}.{kind}.bin" for image in images]
        if any(file.is_file() for file in files):
            return files
    return None


def _cameras(images: Sequence[Image], cameras: dict[int, Camera], path: Path) -> Cameras:
    if missing := [image for image in images if image.camera not in cameras]:
        raise ValueError(f"{path} has no camera {missing[0].camera}, which {missing[0].name} needs")
    used = [cameras[image.camera] for image in images]
    sizes = {(camera.height, camera.width) for camera in used}
    if len(sizes) != 1:
        raise ValueError(f"{path} has pictures of several sizes: all frames must have the same size")
    pinhole, distortion = zip(*(_split(camera, path) for camera in used), strict=True)
    return Cameras(pinholes(torch.tensor(pinhole)), path, sizes.pop(), resizable=True, distortion=distortion)


def _split(camera: Camera, path: Path) -> tuple[tuple[float, ...], Distortion | None]:
    """Split parameters into a pinhole (fx, fy, cx, cy) and the distortion."""
    p = camera.parameters
    match camera.model:
        case "SIMPLE_PINHOLE":
            return (p[0], *p), None
        case "PINHOLE":
            return p, None
        case "SIMPLE_RADIAL" | "RADIAL":
            return (p[0], *p[:3]), Distortion(p[3:]) or None
        case "SIMPLE_RADIAL_FISHEYE" | "RADIAL_FISHEYE":
            return (p[0], *p[:3]), Distortion(p[3:], fisheye=True)
        case "OPENCV_FISHEYE":
            return p[:4], Distortion(p[4:], fisheye=True)
        case "OPENCV" | "FULL_OPENCV":
            return p[:4], Distortion((*p[4:6], *p[8:]), (p[6], p[7])) or None
    raise ValueError(
        f"{path} has a camera of model {camera.model}, which this version does not undistort: run "
        "'colmap image_undistorter' and give its output folder"
    )


def _text_cameras(path: Path) -> dict[int, Camera]:
    cameras = {}
    counts = dict(_MODELS.values())
    for row in read_table(path):
        form = f"{path} has another form: need lines 'CAMERA_ID MODEL WIDTH HEIGHT PARAMS[]'"
        if len(row) < 4 or len(row) - 4 != counts.get(row[1], len(row) - 4):
            raise ValueError(form)
        number, width, height, *parameters = numbers([row[0], *row[2:]], form).tolist()
        cameras[whole_number(number, form)] = Camera(
            row[1], whole_number(width, form), whole_number(height, form), tuple(parameters)
        )
    return cameras


def _text_images(path: Path) -> list[Image]:
    lines = [line for line in read_text(path).splitlines() if not line.lstrip().startswith("#")]
    form = f"{path} has another form: need lines 'IMAGE_ID QW QX QY QZ TX TY TZ CAMERA_ID NAME', and one of points each"
    images = []
    for line in lines[::2]:  # a picture without points has an empty second line
        words = line.split(maxsplit=9)
        if not words:
            continue
        if len(words) != 10:
            raise ValueError(form)
        values = numbers(words[:9], form).tolist()
        images.append(Image(words[9], whole_number(values[8], form), tuple(values[1:8])))
    return images


def _read_cameras(path: Path) -> dict[int, Camera]:
    reader = _Binary(path)
    cameras = {}
    for _ in range(reader.count(24)):
        number, model, width, height = reader.read("<IiQQ")
        if model not in _MODELS:
            raise ValueError(f"{path} has a camera of model number {model}, which this version does not know")
        name, parameters = _MODELS[model]
        cameras[number] = Camera(name, width, height, reader.read(f"<{parameters}d"))
    return cameras


def _read_images(path: Path) -> Iterator[Image]:
    reader = _Binary(path)
    for _ in range(reader.count(73)):
        _, *pose, camera = reader.read("<I7dI")
        name = reader.text()
        reader.skip(24 * reader.count(24))  # x, y, point
        yield Image(name, camera, tuple(pose))


class _Binary:
    """Numbers from a little-endian file; a file that ends early is one clear line."""

    def __init__(self, path: Path) -> None:
        self.path, self.data, self.at = path, path.read_bytes(), 0

    def read(self, form: str) -> tuple:
        self.skip(struct.calcsize(form))
        return struct.unpack_from(form, self.data, self.at - struct.calcsize(form))

    def count(self, size: int) -> int:
        """Read how many records of at least `size` bytes follow."""
        (count,) = self.read("<Q")
        if count * size > len(self.data) - self.at:
            raise ValueError(f"{self.path} is cut: it says that {count} records follow")
        return int(count)

    def text(self) -> str:
        end = self.data.find(b"\0", self.at)
        if end < 0:
            raise ValueError(f"{self.path} is cut")
        text = self.data[self.at : end].decode(errors="replace")
        self.at = end + 1
        return text

    def skip(self, size: int) -> None:
        if self.at + size > len(self.data):
            raise ValueError(f"{self.path} is cut")
        self.at += size
