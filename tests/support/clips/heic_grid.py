"""A HEIC file as iPhones write it: a grid of HEVC tiles, which `irot` may turn (ISO/IEC 23008-12)."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import av
import numpy as np


def write_heic_grid(path: Path, rgb: np.ndarray, rows: int, cols: int, irot: int = 0) -> None:
    """Write (height, width, 3) bytes as `rows` x `cols` tiles; `irot` counts quarter turns counter-clockwise."""
    height, width = rgb.shape[0] // rows, rgb.shape[1] // cols
    tiles = [
        _tile(np.ascontiguousarray(rgb[r * height : (r + 1) * height, c * width : (c + 1) * width]))
        for r in range(rows)
        for c in range(cols)
    ]
    count = len(tiles)
    grid = bytes([0, 0, rows - 1, cols - 1]) + struct.pack(">HH", rgb.shape[1], rgb.shape[0])
    items = [_full(b"infe", 2, 0, struct.pack(">HH", 1, 0), b"grid", b"\0")]
    items += [_full(b"infe", 2, 1, struct.pack(">HH", 2 + k, 0), b"hvc1", b"\0") for k in range(count)]
    properties = _box(
        b"ipco",
        tiles[0][0],
        _full(b"ispe", 0, 0, struct.pack(">II", width, height)),
        _full(b"ispe", 0, 0, struct.pack(">II", rgb.shape[1], rgb.shape[0])),
        _box(b"irot", bytes([irot])),
    )
    of_items = [struct.pack(">H", 1) + (bytes([2, 3, 0x84]) if irot else bytes([1, 3]))]
    of_items += [struct.pack(">H", 2 + k) + bytes([2, 0x81, 2]) for k in range(count)]
    association = _full(b"ipma", 0, 0, struct.pack(">I", count + 1), *of_items)
    parts = [struct.pack(">H", 2 + k) for k in range(count)]
    reference = _full(b"iref", 0, 0, _box(b"dimg", struct.pack(">HH", 1, count), *parts))

    def meta(base: int) -> bytes:
        places = [struct.pack(">HHHH", 1, 1, 0, 1) + struct.pack(">II", 0, len(grid))]
        for k, (_, sample) in enumerate(tiles):
            places.append(struct.pack(">HHHH", 2 + k, 0, 0, 1) + struct.pack(">II", base, len(sample)))
            base += len(sample)
        return _full(
            b"meta",
            0,
            0,
            _full(b"hdlr", 0, 0, b"\0\0\0\0pict" + b"\0" * 12 + b"\0"),
            _full(b"pitm", 0, 0, struct.pack(">H", 1)),
            _full(b"iloc", 1, 0, struct.pack(">BBH", 0x44, 0, 1 + count), *places),
            _full(b"iinf", 0, 0, struct.pack(">H", 1 + count), *items),
            reference,
            _box(b"iprp", properties, association),
            _box(b"idat", grid),
        )

    start = _box(b"ftyp", b"heic", struct.pack(">I", 0), b"mif1heic")
    base = len(start) + len(meta(0)) + 8
    path.write_bytes(start + meta(base) + _box(b"mdat", *[sample for _, sample in tiles]))


def _box(name: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I", 8 + len(body)) + name + body


def _full(name: bytes, version: int, flags: int, *parts: bytes) -> bytes:
    return _box(name, struct.pack(">I", version << 24 | flags), *parts)


def _tile(rgb: np.ndarray) -> tuple[bytes, bytes]:
    """Encode one HEVC still: its hvcC box, and its sample."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        options = {"x265-params": "log-level=none:keyint=1:crf=10", "tag": "hvc1"}
        stream = container.add_stream("libx265", rate=1, options=options)
        stream.height, stream.width, stream.pix_fmt = rgb.shape[0], rgb.shape[1], "yuv420p"
        stream.codec_context.codec_tag = "hvc1"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(rgb, format="rgb24")))
        container.mux(stream.encode())
    data = file.getvalue()
    return _find(data, b"hvcC"), _find(data, b"mdat")[8:]


def _find(data: bytes, name: bytes) -> bytes:
    start = data.index(name) - 4
    return data[start : start + struct.unpack(">I", data[start : start + 4])[0]]
