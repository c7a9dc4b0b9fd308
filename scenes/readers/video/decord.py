"""Decoding with decord (optional): the pixels only, because its times and counts are not reliable."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from einops import rearrange
from jaxtyping import UInt8
from torch import Tensor

from scenes.readers.video.listing import Listing


def decode_decord(
    path: Path, listing: Listing, indices: Sequence[int], backend: str = "decord"
) -> UInt8[Tensor, "time 3 height width"]:
    """Decode the frames at `indices` of a file; decord applies rotations itself.

    The package decord2 has the import name of decord: "decord" takes either, "decord2" refuses decord 0.6. The reader
    is opened and closed here: a reader of decord 0.6 hangs in a forked process. Where frames change their size, decord
    scales them to the first.

    Raises:
        ImportError: the package is not installed.
        ValueError: decord cannot read the file, or counts its frames wrongly and so would return wrong ones.
    """
    missing = f'video backend {backend} is not installed: pip install "region4d[decord]", or use pyav'
    try:
        import decord  # here: its libraries take 0.4 GB of memory
    except ImportError:
        raise ImportError(missing) from None
    if backend == "decord2" and decord.__version__.startswith("0."):
        raise ImportError(missing)
    count = len(listing.times)
    try:
        reader = decord.VideoReader(str(path), num_threads=1)
        if len(reader) != count:
            raise ValueError(f"{backend} counts {len(reader)} frames in {path}, which has {count}: use backend pyav")
        frames = reader.get_batch(list(indices)).asnumpy()
    except (RuntimeError, decord.DECORDError) as error:
        raise ValueError(f"{backend} cannot read {path}: use backend pyav") from error
    video: Tensor = rearrange(torch.from_numpy(frames), "time height width rgb -> time rgb height width").contiguous()
    return video
