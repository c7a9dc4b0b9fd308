"""Decoding with torchcodec (optional): the pixels, with its times held against those of the listing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from jaxtyping import UInt8
from torch import Tensor

from scenes.readers.video.listing import Listing

TOLERANCE = 1e-3  # seconds between its time of a frame and ours


def decode_torchcodec(
    path: Path, listing: Listing, indices: Sequence[int], stream: int
) -> UInt8[Tensor, "time 3 height width"]:
    """Decode the frames at `indices` of a stream; torchcodec applies rotations itself.

    Frames are sought exactly: torchcodec's approximate mode returns wrong ones.

    Raises:
        ImportError: torchcodec is not installed, or it finds no FFmpeg libraries.
        ValueError: torchcodec cannot read the file, or finds other frames.
    """
    try:
        from torchcodec.decoders import VideoDecoder  # here: an import at the top would cost every process its memory
    except ImportError:
        raise ImportError(
            'video backend torchcodec is not installed: pip install "region4d[torchcodec]", or use pyav'
        ) from None
    except RuntimeError as error:
        raise _explained(error, path) from error
    try:
        decoder = VideoDecoder(str(path), stream_index=stream, seek_mode="exact")
        found, count = len(decoder), len(listing.times)
        frames = decoder.get_frames_at(list(indices)) if found == count else None
    except (RuntimeError, ValueError, IndexError) as error:
        raise _explained(error, path) from error
    if frames is None:
        raise ValueError(f"torchcodec counts {found} frames in {path}, which has {count}: use backend pyav")
    ours = torch.tensor([float(listing.times[i] * listing.time_base) for i in indices], dtype=torch.float64)
    if (frames.pts_seconds - ours).abs().max() > TOLERANCE:
        raise ValueError(f"torchcodec finds frames of {path} at other times than its packets have: use backend pyav")
    video: Tensor = frames.data.contiguous()
    return video


def _explained(error: Exception, path: Path) -> ImportError | ValueError:
    """Say that torchcodec finds no FFmpeg, where that is the error; else that it cannot read the file."""
    if "Could not load libtorchcodec" in str(error):
        return ImportError(
            "video backend torchcodec finds no FFmpeg libraries: install FFmpeg (apt-get install ffmpeg), or use pyav"
        )
    return ValueError(f"torchcodec cannot read {path}: use backend pyav")
