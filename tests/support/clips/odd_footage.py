"""Videos that need more than decoding: other sizes, colours, streams and transfer functions."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

HEIGHT, WIDTH = 120, 160
RED, BLUE, GREEN = (200, 30, 30), (30, 30, 200), (20, 220, 20)


def card() -> np.ndarray:
    """Draw the left half red, the right half blue, and a green mark at the top left."""
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    image[:, : WIDTH // 2], image[:, WIDTH // 2 :] = RED, BLUE
    image[: HEIGHT // 6, : WIDTH // 8] = GREEN
    return image


def write_card(
    path: Path,
    codec: str = "libx264",
    pixels: str = "yuv420p",
    frames: int = 6,
    aspect: Fraction | None = None,
    matrix: str = "ITU601",
    full_range: bool = False,
    tags: dict[str, int] | None = None,
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
) -> Path:
    """Write the card ten times a second, in YUV of a colour matrix and range, tagged by H.273 numbers in `tags`."""
    with av.open(str(path), "w", options=container_options or {}) as container:
        stream = container.add_stream(codec, rate=10, options={"crf": "4"} if options is None else options)
        stream.height, stream.width, stream.pix_fmt = HEIGHT, WIDTH, pixels
        if aspect is not None:
            stream.codec_context.sample_aspect_ratio = aspect
        for name, value in (tags or {}).items():
            setattr(stream.codec_context, name, value)
        for index in range(frames):
            frame = av.VideoFrame.from_ndarray(card(), format="rgb24")
            if not pixels.startswith(("bgr", "gbr")):
                frame = frame.reformat(
                    format=pixels, dst_colorspace=matrix, dst_color_range="JPEG" if full_range else "MPEG"
                )
            frame.pts, frame.time_base = index, Fraction(1, 10)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def write_codes(path: Path, codes: np.ndarray, transfer: int) -> Path:
    """Write non-linear BT.2020 RGB codes (height, width, 3; full 16-bit range) without loss, tagged with `transfer`."""
    height, width, _ = codes.shape
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=10)
        stream.height, stream.width, stream.pix_fmt = height, width, "gbrp16le"
        stream.codec_context.color_trc, stream.codec_context.color_primaries = transfer, 9
        frame = av.VideoFrame.from_ndarray(codes, format="rgb48le").reformat(format="gbrp16le")
        frame.pts, frame.time_base = 0, Fraction(1, 10)
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def write_sizes(path: Path, sizes: Sequence[tuple[int, int]]) -> Path:
    """Write one frame of each size (height, width), a second apart, in one stream."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=1)
        stream.height, stream.width, stream.pix_fmt = *sizes[0], "yuvj420p"
        for index, (height, width) in enumerate(sizes):
            encoder: Any = av.CodecContext.create("mjpeg", "w")
            encoder.height, encoder.width, encoder.pix_fmt = height, width, "yuvj420p"
            encoder.time_base = Fraction(1)
            frame = av.VideoFrame.from_ndarray(np.zeros((height, width, 3), np.uint8), format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1)
            for packet in [*encoder.encode(frame.reformat(format="yuvj420p")), *encoder.encode()]:
                packet.stream = stream
                container.mux(packet)
    return path


def write_sound(path: Path, codec: str, cover: bool = False) -> Path:
    """Write silence, with a cover picture or without."""
    with av.open(str(path), "w") as container:
        sound = container.add_stream(codec, rate=44100, layout="mono")
        picture: Any = None
        if cover:
            picture = container.add_stream("mjpeg", rate=1)
            picture.height, picture.width, picture.pix_fmt = 48, 48, "yuvj420p"
            picture.disposition = av.stream.Disposition.attached_pic
            frame = av.VideoFrame.from_ndarray(np.full((48, 48, 3), 99, np.uint8), format="rgb24")
            container.mux(picture.encode(frame.reformat(format="yuvj420p")))
            container.mux(picture.encode())
        for index in range(20):
            silence = av.AudioFrame(format=sound.codec_context.format.name, layout="mono", samples=1024)
            for plane in silence.planes:
                plane.update(bytes(plane.buffer_size))
            silence.sample_rate, silence.pts = 44100, 1024 * index
            container.mux(sound.encode(silence))
        container.mux(sound.encode())
    return path


def write_streams(path: Path, colours: Sequence[tuple[int, int, int]], sizes: Sequence[int], default: int) -> Path:
    """Write one video stream a colour, square with a side of `sizes`; stream `default` is the default one."""
    with av.open(str(path), "w") as container:
        streams = []
        for place, side in enumerate(sizes):
            stream = container.add_stream("libx264", rate=10)
            stream.height, stream.width, stream.pix_fmt = side, side, "yuv420p"
            stream.disposition = av.stream.Disposition.default if place == default else 0
            streams.append(stream)
        for index in range(4):
            for stream, colour, side in zip(streams, colours, sizes, strict=True):
                image = np.full((side, side, 3), colour, np.uint8)
                frame = av.VideoFrame.from_ndarray(image, format="rgb24")
                frame.pts, frame.time_base = index, Fraction(1, 10)
                container.mux(stream.encode(frame))
        for stream in streams:
            container.mux(stream.encode())
    return path


def write_matrix(path: Path, a: int, b: int, c: int, d: int) -> None:
    """Write the display matrix of an MP4: x' = a x + c y, y' = b x + d y (ISO 14496-12 8.3.2)."""
    data = bytearray(path.read_bytes())
    start = data.index(b"tkhd") + 44  # past type, version, times, ids, layer and volume of version 0
    one = 1 << 16
    data[start : start + 36] = struct.pack(">9i", a * one, b * one, 0, c * one, d * one, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
