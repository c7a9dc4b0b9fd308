"""Reading the frames of a listing onto one grid, that of the colour pictures: one pinhole, no lens distortion."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import torch
from einops import rearrange
from jaxtyping import Float, Shaped, UInt8
from PIL import Image
from torch import Tensor
from torch.nn import functional

from models.geometry import resize_intrinsics
from scenes.clip_checks import check_focal
from scenes.readers.depth_file import read_depth_map
from scenes.readers.image_files import read_image
from scenes.readers.rgbd.distortion import Distortion, distorted_pixels
from scenes.readers.rgbd.listing import Cameras, RgbdListing, Size

_ORIENTATION = 274  # the EXIF tag
MAX_ASPECT_ERROR = 0.01  # relative difference of the scales, in x and in y, of pictures that were made smaller


def read_sensor_image(path: Path) -> UInt8[Tensor, "3 height width"]:
    """Read a colour picture as its sensor took it: the EXIF orientation is not applied, as it is not to depth.

    Raises:
        ValueError: the file is not a picture, or it is truncated.
    """
    upright = read_image(path)
    with Image.open(path) as image:
        turn = image.getexif().get(_ORIENTATION, 1)
    if turn in (5, 6, 7, 8):  # upright pictures were transposed
        upright = rearrange(upright, "rgb height width -> rgb width height")
    axes = {2: [2], 3: [1, 2], 4: [1], 6: [1], 7: [1, 2], 8: [2]}.get(turn, [])
    return upright.flip(axes) if axes else upright.contiguous()


def fit_cameras(cameras: Cameras, size: Size) -> Cameras:
    """Fit the cameras to pictures of `size` (height, width).

    Raises:
        ValueError: they are for pictures of another size or aspect ratio, or their focal length cannot be in pixels.
    """
    source, made_for, intrinsics = cameras.source, cameras.size, cameras.intrinsics
    check_focal(intrinsics, made_for or size, str(source))
    if made_for is None:
        share = intrinsics[:, :2, 2] / torch.tensor([size[1], size[0]])
        if not bool(((share > 0.25) & (share < 0.75)).all()):
            u, v = intrinsics[0, :2, 2].tolist()
            raise ValueError(
                f"{source}: the principal point ({u:.6g}, {v:.6g}) is far from the middle of {size[1]}x{size[0]} "
                "pictures: its intrinsics are for pictures of another size; pass those of these (--intrinsics)"
            )
        return cameras
    if made_for == size:
        return cameras
    stretch = made_for[1] / size[1] / (made_for[0] / size[0]) if min(*made_for) > 0 else 0
    if not cameras.resizable or abs(stretch - 1) > MAX_ASPECT_ERROR:
        raise ValueError(f"{source} is for {made_for[1]}x{made_for[0]} pixels, but the frames are {size[1]}x{size[0]}")
    return replace(cameras, intrinsics=resize_intrinsics(intrinsics, made_for, size), size=size)


def read_colour(listing: RgbdListing, index: int, cameras: Cameras | None = None) -> UInt8[Tensor, "3 height width"]:
    """Read and undistort a colour picture; `cameras` are those of the listing, fitted. Raises as `read_image`."""
    image = read_sensor_image(listing.colour[index])
    pixels = _source_pixels(cameras, index, (image.shape[1], image.shape[2]))
    if pixels is None:
        return image
    size = torch.tensor([image.shape[2], image.shape[1]])
    grid = (2 * pixels / size - 1)[None]
    sampled = functional.grid_sample(image[None].float(), grid, "bilinear", "zeros", align_corners=False)
    undistorted: Tensor = sampled[0].round().to(torch.uint8)
    return undistorted


def read_depth_on_colour(
    listing: RgbdListing, index: int, size: Size, cameras: Cameras | None, scale: int | float | None = None
) -> Float[Tensor, "height width"]:
    """Read depth at the pixels of a colour picture of `size`: metres, 0 where unknown.

    Depth of another size is sampled, not interpolated: between a chair and the wall behind it there is nothing.
    `scale` replaces the units of the listing.

    Raises:
        ImportError: the file is EXR, and the extra "exr" is not installed.
        ValueError: the file is not depth, or of another size than colour where the layout has both of one size.
    """
    assert listing.depth is not None
    path = listing.depth[index]
    units = (listing.depth_scale, listing.float_scale) if scale is None else (scale, scale)
    depth = read_depth_map(path, *units, shifted_bits=listing.shifted_bits)
    return on_colour(listing, index, size, cameras, depth, path)


def on_colour(
    listing: RgbdListing,
    index: int,
    size: Size,
    cameras: Cameras | None,
    depth: Shaped[Tensor, "height width"],
    path: Path,
) -> Shaped[Tensor, "_ _"]:
    """Sample a map of any size at the pixels of a colour picture; 0 where it does not reach. Raises ValueError."""
    height, width = depth.shape
    if (height, width) != size and not listing.other_size:
        raise ValueError(
            f"{path} is {width}x{height}, expected {size[1]}x{size[0]} as colour: register depth to the colour pictures"
        )
    pixels = _source_pixels(cameras, index, size)
    own = None if cameras is None or cameras.depth is None else cameras.depth[index]
    if pixels is None and own is None and (height, width) == size:
        return depth
    if pixels is None:
        pixels = distorted_pixels(None, torch.eye(3), *size)
    if own is None:
        uv = pixels * torch.tensor([width / size[1], height / size[0]])
    else:  # the same ray through both cameras
        assert cameras is not None
        intrinsics = cameras.intrinsics[index]
        ray = (pixels - intrinsics[:2, 2]) / intrinsics.diagonal()[:2]
        uv = ray * own.diagonal()[:2] + own[:2, 2]
    u, v = uv.floor().long().unbind(-1)
    reached = (u >= 0) & (u < width) & (v >= 0) & (v < height)
    sampled = depth[v.clamp(0, height - 1), u.clamp(0, width - 1)]
    return torch.where(reached, sampled, torch.zeros_like(sampled))


def _source_pixels(cameras: Cameras | None, index: int, size: Size) -> Float[Tensor, "height width 2"] | None:
    """Find where the pixels of an undistorted picture lie in the file; None where they are the same."""
    distortion = None if cameras is None or cameras.distortion is None else cameras.distortion[index]
    if cameras is None or not distortion:
        return None
    return _distorted(distortion, tuple(cameras.intrinsics[index].flatten().tolist()), size)


@lru_cache(maxsize=1)  # frames of one camera share it
def _distorted(distortion: Distortion, intrinsics: tuple[float, ...], size: Size) -> Float[Tensor, "height width 2"]:
    return distorted_pixels(distortion, torch.tensor(intrinsics).reshape(3, 3), *size)
