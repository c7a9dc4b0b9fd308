"""What backends other than PyAV must agree with: the stream, the size and the look that PyAV finds."""

from __future__ import annotations

from pathlib import Path

from jaxtyping import UInt8
from torch import Tensor

from scenes.readers.video.container import decode, open_video
from scenes.readers.video.display import Display, display_of


def plain_display(path: Path, backend: str) -> tuple[Display, int]:
    """Decode the first frame with PyAV: how it is shown, and the index of its stream.

    Raises:
        ValueError: frames are mirrored, of non-square pixels or of high dynamic range, or several videos are in the
            file; other backends show these wrongly, without a word.
    """
    container, stream = open_video(path)
    with container:
        frame = next(decode(container, stream), None)
        if frame is None:
            raise ValueError(f"{path} has no readable frame: it is damaged")
        display, streams = display_of(frame, stream), len(container.streams.video)
        index: int = stream.index
    reasons = {
        "mirrored frames": display.orientation.mirrors,
        "non-square pixels": not display.square,
        "high dynamic range": display.hdr,
        "several video streams": streams > 1,
    }
    found = [reason for reason, true in reasons.items() if true]
    if found:
        raise ValueError(f"{backend} does not show {path} right ({', '.join(found)}); use backend pyav")
    return display, index


def check_pixels(display: Display, frames: int, max_pixels: int | None, path: Path, backend: str) -> None:
    """Raise ValueError where all frames together have more pixels than allowed: these backends do not scale them."""
    height, width = display.size
    if max_pixels is not None and frames * height * width > max_pixels:
        raise ValueError(
            f"{backend} reads {frames} frames of {path} at {width}x{height} ({frames * height * width * 3 / 1e9:.1f} "
            "GB); use backend pyav, which reads them smaller, or fewer frames"
        )


def check_size(video: UInt8[Tensor, "time 3 height width"], display: Display, path: Path, backend: str) -> None:
    """Raise ValueError for frames of another size than PyAV shows."""
    if tuple(video.shape[-2:]) != display.size:
        (height, width), (need_height, need_width) = video.shape[-2:], display.size
        raise ValueError(
            f"{backend} gives {path} frames of {width}x{height}, expected {need_width}x{need_height}; use backend pyav"
        )
