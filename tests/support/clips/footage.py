"""Small videos whose pixels tell which frame they are."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from torch import Tensor

HEIGHT, WIDTH = 64, 96
_TIME_BASE = Fraction(1, 1000)
_BITS = 6  # the index is drawn as six black or white bars below a red corner mark


def write_footage(
    path: Path,
    milliseconds: Sequence[int],
    index_first: bool = False,
    gop: int = 12,
    open_gop: bool = False,
    width: int = WIDTH,
) -> Path:
    """Write H.264 with B-frames; frame i shows the number i and is presented at `milliseconds[i]`."""
    options = {"movflags": "faststart"} if index_first else {}
    coding = {"bf": "2", "crf": "10", "x264-params": f"open-gop={int(open_gop)}"}
    with av.open(str(path), "w", options=options) as container:
        stream = container.add_stream("libx264", rate=30, options=coding)
        stream.height, stream.width, stream.pix_fmt, stream.gop_size = HEIGHT, width, "yuv420p", gop
        stream.codec_context.time_base = stream.time_base = _TIME_BASE
        for index, time in enumerate(milliseconds):
            frame = av.VideoFrame.from_ndarray(_draw(index, width), format="rgb24")
            frame.pts, frame.time_base = int(time), _TIME_BASE
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def shown_index(image: Tensor) -> int:
    """Read the number that an upright frame shows."""
    bars = image[:, 16:56, 12:84].float().mean((0, 1)).reshape(_BITS, -1)[:, 4:8].mean(1)
    return sum(1 << bit for bit in range(_BITS) if bars[bit] > 127)


def corner(image: Tensor) -> tuple[bool, bool]:
    """Tell where the red mark of the top-left corner is: (at the bottom, on the right)."""
    red = (image[0] > 200) & (image[1] < 80)
    centre = red.nonzero().float().mean(0)
    return bool(centre[0] > image.shape[1] / 2), bool(centre[1] > image.shape[2] / 2)


def tag_rotation(path: Path, clockwise_deg: int) -> None:
    """Write the rotation tag of an MP4, as a phone does: the matrix in its track header says how to turn the frames."""
    data = bytearray(path.read_bytes())
    start = data.index(b"tkhd") + 44  # past type, version, times, ids, layer, volume: version 0 of ISO 14496-12 8.3.2
    a, b = {90: (0, 1), 180: (-1, 0), 270: (0, -1)}[clockwise_deg]
    one = 1 << 16
    data[start : start + 36] = struct.pack(">9i", a * one, b * one, 0, -b * one, a * one, 0, 0, 0, 1 << 30)
    path.write_bytes(data)


def cut(path: Path, fraction: float) -> Path:
    """Keep only the first part of a file, as a broken download does."""
    data = path.read_bytes()
    shorter = path.with_name(f"cut_{path.name}")
    shorter.write_bytes(data[: int(len(data) * fraction)])
    return shorter


def _draw(index: int, width: int) -> np.ndarray:
    image = np.zeros((HEIGHT, width, 3), np.uint8)
    for bit in range(_BITS):
        image[16:56, 12 + bit * 12 : 24 + bit * 12] = 255 * (index >> bit & 1)
    image[:8, :8] = (255, 0, 0)
    return image
