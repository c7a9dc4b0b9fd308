"""Conversations of several turns, with any number of images and videos between their texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from einops import rearrange
from jaxtyping import UInt8
from torch import Tensor
from transformers.image_utils import load_image

from models.regions import Region, RegionMasks
from models.sr3d.inputs.sample import Sample
from models.sr3d.text.mentions import check_all_mentioned, mention
from models.sr3d.text.prompt import content_parts

if TYPE_CHECKING:
    from models.sr3d.inputs.processor import SR3DProcessor

MEDIA = ("image", "video")


def prepare_conversation(
    processor: SR3DProcessor, messages: Sequence[Mapping[str, Any]], regions: Sequence[Region] = ()
) -> Sample:
    """Prepare a conversation that waits for an answer, as one question without a prefix.

    A single image is cut into tiles; of several, each is one tile (VILA).

    Args:
        processor: Lays out tokens and tiles.
        messages: Of role and content, as chat templates of transformers take them. A content is a text, or a list of
            parts such as `{"type": "text", "text": ...}`, and the same of `image`, `video` and `region`. An image is a
            uint8 tensor (3, height, width), an array (height, width, 3), a PIL image, or a path; a video is a tensor
            (time, 3, height, width) or a list of images of one size.
        regions: On the one image or video; texts mention them as `<region0>`, ... before those of parts.

    Raises:
        ValueError: A part is of another type, or there are regions and not one image or video to hold them.
    """
    messages, regions = mention_regions(messages, regions)
    media = [(part["type"], as_frames(part)) for part in _parts(messages) if part["type"] != "text"]
    if regions and len(media) != 1:
        raise ValueError(f"regions need one image or video to lie on, the conversation has {len(media)}")
    tiles = None if len(media) == 1 and media[0][0] == "image" else 1
    seen = [processor.prepare(frames, [], regions=regions, max_tiles=tiles) for _, frames in media]
    counts = [(kind == "image", len(one.pixels)) for (kind, _), one in zip(media, seen, strict=True)]
    ids, mentions = processor.prompt.conversation(messages, counts, len(regions))
    if regions:
        check_all_mentioned([str(part["text"]) for part in _parts(messages) if part["type"] == "text"], len(regions))
    visual = _joined(seen) if seen else without_media(processor)
    return replace(visual, prefix=ids[:0], questions=(ids,), mentions=(mentions,))


def images_of(images: Any) -> list[Any]:
    """List the images of a sample: None, one, or several."""
    if images is None:
        return []
    return list(images) if isinstance(images, list | tuple) else [images]


def as_frames(part: Mapping[str, Any]) -> UInt8[Tensor, "time 3 height width"]:
    """Read the image or video of a part.

    Raises:
        ValueError: It is none.
    """
    if part["type"] not in MEDIA:
        raise ValueError(f"a part has the type {part['type']!r}: give one of text, {', '.join(MEDIA)}")
    value = next((part[key] for key in (part["type"], "path", "url") if key in part), None)
    if value is None:
        raise ValueError(f"a part of type {part['type']} has none: give {part['type']}=..., path=... or url=...")
    if part["type"] == "image":
        return _image(value)[None]
    frames = value if isinstance(value, Tensor) else torch.stack([_image(one) for one in value])
    if frames.ndim != 4 or frames.shape[1] != 3 or frames.dtype != torch.uint8:
        raise ValueError(f"a video is uint8 of (time, 3, height, width), got {frames.dtype} of {tuple(frames.shape)}")
    return frames


def _image(value: Any) -> UInt8[Tensor, "3 height width"]:
    if isinstance(value, str | Path):
        value = load_image(str(value))
    if not isinstance(value, Tensor):
        array = np.array(value.convert("RGB") if hasattr(value, "convert") else value)
        if array.ndim != 3:
            raise ValueError(f"an image is an array of (height, width, 3), got {array.shape}")
        value = rearrange(torch.from_numpy(array), "row col rgb -> rgb row col")
    if value.ndim != 3 or value.shape[0] != 3 or value.dtype != torch.uint8:
        raise ValueError(f"an image is uint8 of (3, height, width), got {value.dtype} of {tuple(value.shape)}")
    image: Tensor = value
    return image


def mention_regions(
    messages: Sequence[Mapping[str, Any]], regions: Sequence[Region]
) -> tuple[Sequence[Mapping[str, Any]], Sequence[Region]]:
    """Turn parts of type `region` into mentions of the regions, which follow the given ones."""
    every = list(regions)

    def text(part: Mapping[str, Any]) -> Mapping[str, Any]:
        if part["type"] != "region":
            return part
        if not isinstance(part.get("region"), Region):
            raise ValueError('a part of type region needs a Region: {"type": "region", "region": Region.from_box(...)}')
        known = [k for k, region in enumerate(every) if region is part["region"]]
        if not known:
            every.append(part["region"])
        return {"type": "text", "text": mention(known[0] if known else len(every) - 1)}

    parts = [[text(part) for part in content_parts(message["content"])] for message in messages]
    return [{**message, "content": part} for message, part in zip(messages, parts, strict=True)], every


def _parts(messages: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [part for message in messages for part in content_parts(message["content"])]


def _joined(samples: Sequence[Sample]) -> Sample:
    """Put the visual inputs of several media in a row. Times are those of one clip: of several, they are dropped."""
    if len(samples) == 1:
        return samples[0]
    first = [0, *accumulate(len(one.pixels) for one in samples[:-1])]
    return replace(
        samples[0],
        pixels=torch.cat([one.pixels for one in samples]),
        points=torch.cat([one.points for one in samples]),
        points_valid=torch.cat([one.points_valid for one in samples]),
        seconds=None,
        camera_centres=torch.cat([one.camera_centres for one in samples]),
        camera_known=torch.cat([one.camera_known for one in samples]),
        regions=RegionMasks(
            torch.cat([one.regions.masks for one in samples]),
            torch.cat([one.regions.tile + start for one, start in zip(samples, first, strict=True)]),
            torch.cat([one.regions.region for one in samples]),
            (),
        ),
    )


def without_media(processor: SR3DProcessor) -> Sample:
    """Lay out a sample without media."""
    cells, side = processor.grid * processor.pe_oversample, processor.tile_size
    none = torch.zeros(0, dtype=torch.long)
    return Sample(
        pixels=torch.zeros(0, 3, side, side, dtype=torch.uint8),
        points=torch.zeros(0, cells, cells, 3),
        points_valid=torch.zeros(0, cells, cells, dtype=torch.bool),
        seconds=None,
        camera_centres=torch.zeros(0, 3),
        camera_known=torch.zeros(0, dtype=torch.bool),
        scale=None,
        shift=None,
        regions=RegionMasks(torch.zeros(0, side, side, dtype=torch.bool), none, none, ()),
        prefix=none,
        questions=(),
        mentions=(),
    )
