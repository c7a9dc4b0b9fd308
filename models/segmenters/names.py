"""Segmenters by the folder or name of a checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import torch
import transformers
from transformers import AutoConfig

from models.checkpoint_files import NO_CODE
from models.pretrained import load_pretrained
from models.segmenters.clicks import ClickSegmenter, ClickTracker
from models.segmenters.contract import Segmenter
from models.segmenters.texts import TextSegmenter, TextTracker

Way = Literal["click", "text"]
Entry = tuple[Any, str]  # a class of this package, and the stem of transformers' names
CLICKS: dict[str, Entry] = {  # by `model_type`; facebook/sam3 is a sam3_video, which holds a detector and a tracker
    "sam2": (ClickSegmenter, "Sam2"),
    "sam2_video": (ClickTracker, "Sam2Video"),
    "sam3_tracker": (ClickSegmenter, "Sam3Tracker"),
    "sam3_tracker_video": (ClickTracker, "Sam3TrackerVideo"),
    "sam3_video": (ClickTracker, "Sam3TrackerVideo"),
}
TEXTS: dict[str, Entry] = {"sam3": (TextSegmenter, "Sam3"), "sam3_video": (TextTracker, "Sam3Video")}


def open_segmenter(checkpoint: str | Path, way: Way, device: torch.device | str = "cpu") -> Segmenter:
    """Open a segmenter of transformers, in float32. Nothing is downloaded here.

    Args:
        checkpoint: a folder, or a name that has been downloaded.
        way: what it is prompted by.
        device: where it runs.

    Raises:
        FileNotFoundError: the checkpoint is not on this machine, or lacks a file.
        ValueError: it is not SAM 2 or SAM 3, does not take prompts of this kind, or lacks weights.
    """
    try:
        kind = AutoConfig.from_pretrained(checkpoint, local_files_only=True, **NO_CODE).model_type
        if kind not in (*CLICKS, *TEXTS):
            raise ValueError(f"'{checkpoint}' is a {kind}: use SAM 2 or SAM 3 as a segmenter")
        table = CLICKS if way == "click" else TEXTS
        if kind not in table:
            other = "clicks" if way == "text" else "a text"
            raise ValueError(
                f"'{checkpoint}' ({kind}) takes {other} only: for a {way} use one of {', '.join(sorted(table))}, "
                "for example facebook/sam3"
            )
        segmenter, stem = table[kind]
        network = load_pretrained(getattr(transformers, f"{stem}Model"), checkpoint, dtype=torch.float32)
        processor = getattr(transformers, f"{stem}Processor").from_pretrained(
            checkpoint, local_files_only=True, **NO_CODE
        )
    except OSError as error:
        raise FileNotFoundError(
            f"no segmenter '{checkpoint}' here: give a folder, or get one, for example by "
            "'hf download facebook/sam2.1-hiera-tiny' (clicks, Apache-2.0) or 'hf download facebook/sam3' (text)"
        ) from error
    opened: Segmenter = segmenter(network.to(device), processor)
    return opened
