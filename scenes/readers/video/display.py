"""How decoded frames are shown: as RGB of square pixels, upright, in standard dynamic range."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, cast

import av
import numpy as np
from av.sidedata.sidedata import SideDataContainer
from einops import rearrange
from jaxtyping import UInt8

from scenes.readers.video.tone_mapping import TRANSFERS, tone_map

LARGEST_SIDE = 1 << 15  # pixels, after they are made square


@dataclass(frozen=True)
class Orientation:
    """How frames are turned: rows and columns are exchanged, then left and right, then top and bottom."""

    transpose: bool = False
    flip_x: bool = False
    flip_y: bool = False

    @classmethod
    def from_matrix(cls, matrix: bytes) -> Orientation:
        """Read a display matrix in FFmpeg's form (nine int32, row vectors) as the nearest right angle.

        Source: ISO 14496-12 8.3.2; libavutil/display.h.
        """
        a, b, _, c, d = struct.unpack("=9i", matrix)[:5]  # x' = a x + c y, y' = b x + d y
        if abs(b) + abs(c) > abs(a) + abs(d):
            return cls(True, c < 0, b < 0)
        return cls(False, a < 0, d < 0)

    @property
    def mirrors(self) -> bool:
        """Whether this is more than a rotation."""
        return self.transpose ^ self.flip_x ^ self.flip_y

    def apply(self, image: np.ndarray) -> np.ndarray:
        """Turn an image (height, width, ...); the result is a view."""
        turned = image.swapaxes(0, 1) if self.transpose else image
        return turned[:: -1 if self.flip_y else 1, :: -1 if self.flip_x else 1]


@dataclass(frozen=True)
class Display:
    """How the frames of a file are shown.

    `stored` and `size` are (height, width) as decoded, and in square pixels after turning. `transfer`: ITU-T H.273.
    """

    stored: tuple[int, int]
    size: tuple[int, int]
    orientation: Orientation
    transfer: int

    @property
    def square(self) -> bool:
        """Whether stored pixels are square."""
        return sorted(self.stored) == sorted(self.size)

    @property
    def hdr(self) -> bool:
        """Whether the frames are of high dynamic range (PQ or HLG)."""
        return self.transfer in TRANSFERS


def display_of(frame: av.VideoFrame, stream: av.VideoStream) -> Display:
    """Describe how a decoded frame of a stream is shown.

    Raises:
        ValueError: square pixels would make the frame too wide.
    """
    orientation, aspect = _orientation(frame), stream.sample_aspect_ratio or Fraction(1)
    width = max(1, round(frame.width * aspect))
    if width > max(LARGEST_SIDE, frame.width):
        raise ValueError(
            f"the pixel aspect {aspect} makes frames of {frame.width}x{frame.height} {width} wide, more than "
            f"{LARGEST_SIDE} pixels; correct the aspect in the file"
        )
    size = (width, frame.height) if orientation.transpose else (frame.height, width)
    return Display((frame.height, frame.width), size, orientation, int(stream.codec_context.color_trc))


def show(frame: av.VideoFrame, display: Display, out: UInt8[np.ndarray, "3 height width"]) -> None:
    """Write a frame into `out` as it is shown; a smaller `out` than `display.size` scales it down.

    Transparency is dropped.
    """
    height, width = out.shape[1:]
    if display.orientation.transpose:
        height, width = width, height
    scaled = (height, width) != (frame.height, frame.width)
    rgb = frame.reformat(
        width, height, "rgb48le" if display.hdr else "rgb24", interpolation="BICUBIC" if scaled else None
    )
    (plane,) = rgb.planes
    size = 6 if display.hdr else 3
    rows = np.frombuffer(plane, np.uint8).reshape(height, plane.line_size)[:, : width * size]
    target = rearrange(out, "rgb height width -> height width rgb")
    if display.hdr:
        image = rows.view("<u2").reshape(height, width, 3)
        tone_map(display.orientation.apply(image), display.transfer, target)
    else:
        target[...] = display.orientation.apply(rows.reshape(height, width, 3))


def _orientation(frame: av.VideoFrame) -> Orientation:
    try:
        # not frame.side_data, which keeps a cycle: frames of 8K would pile up until they are collected
        matrix = cast(Any, SideDataContainer)(frame).get("DISPLAYMATRIX")
    except ValueError:  # PyAV does not know all kinds of side data (MV-HEVC has one); the angle is found all the same
        quarters = round(frame.rotation / 90) % 4  # counter-clockwise
        return Orientation(quarters % 2 == 1, quarters in (2, 3), quarters in (1, 2))
    return Orientation() if matrix is None else Orientation.from_matrix(bytes(matrix))
