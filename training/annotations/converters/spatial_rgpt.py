"""SpatialRGPT's OpenSpatialDataset: one picture, `<mask>` for every region, run-length codes, polygons or boxes.

Source: SpatialRGPT (arXiv 2406.01584), llava/data/dataset.py and llava/mm_utils.py of its code: the k-th `<mask>` of a
sample is the k-th entry of `rle`, `segmentation` or `bbox`; pictures are FILENAME.jpg. Its depth pictures show the
inverse of depth, shifted and scaled by unknown numbers, so they are no depth here: `region4d prepare` estimates it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import Any

from models.sr3d.text.mentions import mention
from training.annotations.converters.llava import read_samples, read_turns

MARKS = {"rle": "rle", "segmentation": "polygon", "bbox": "box"}  # theirs, ours; the first that a sample has
_DEPTH = re.compile(r"\s*<depth>")
_MASK = re.compile("<mask>")


def from_spatial_rgpt(source: Path, media: Path) -> Iterator[Mapping[str, Any] | str]:
    """Convert samples; one whose masks and mentions differ in number is left out."""
    for sample in read_samples(source):
        turns = read_turns(sample.get("conversations"))
        kind = next((kind for kind in MARKS if sample.get(kind)), None)
        if isinstance(turns, str) or kind is None or "filename" not in sample:
            yield turns if isinstance(turns, str) else "there is no filename, or none of rle, segmentation and bbox"
            continue
        number = count()
        asked = [
            {
                "question": _MASK.sub(lambda _, number=number: mention(next(number)), _DEPTH.sub("", turn["question"])),
                "answer": _DEPTH.sub("", turn["answer"]),
            }
            for turn in turns
        ]
        if next(number) != len(sample[kind]) or any("<mask>" in turn["answer"] for turn in asked):
            yield "questions have another number of <mask> than there are regions"
            continue
        yield {
            "id": str(sample["filename"]),
            "image": str(media / f"{sample['filename']}.jpg"),
            "regions": [{MARKS[kind]: mark} for mark in sample[kind]],
            "conversations": [asked],
        }
