"""Decoding with decord (optional): the pixels only, because its times and counts are not reliable."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from einops import rearrange
from jaxtyping import UInt8
from torch import Tensor

try:
    import decord
except ImportError:
    decord = None


def decode_decord(path: Path, count: int, indices: Sequence[int]) -> UInt8[Tensor, "time 3 height width"]:
    """Decode the frames at `indices` of a file that has `count` frames; decord applies the rotation tag itself.

    The reader is opened and closed here: a decord reader hangs in a forked process.

    Raises:
        ImportError: decord is not installed.
        ValueError: decord cannot read the file, or counts its frames wrongly and so would return wrong ones.
    """
    if decord is None:
        raise ImportError('video backend decord is not installed: pip install "region4d[decord]", or use pyav')
    try:
        reader = decord.VideoReader(str(path), num_threads=1)
        if len(reader) != count:
            raise ValueError(f"decord counts {len(reader)} frames in {path}, which has {count}: use backend pyav")
        frames = reader.get_batch(list(indices)).asnumpy()
    except (RuntimeError, decord.DECORDError) as error:
        raise ValueError(f"decord cannot read {path}: use backend pyav") from error
    video: Tensor = rearrange(torch.from_numpy(frames), "time height width rgb -> time rgb height width").contiguous()
    return video
