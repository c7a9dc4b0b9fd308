"""The labels of all clips of a set, cached as one file, because reading them clip by clip is slow."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from probes.clips.clip_sets import ClipSet
from probes.clips.labels import Labels
from scenes.storage.atomic import new_file
from scenes.storage.locks import locked


def fixed_views(clips: ClipSet) -> list[int]:
    """List the views that all clips of a set share.

    Raises:
        ValueError: If views differ between clips or are drawn anew.
    """
    views = clips.views(clips.names[0])
    if any(clips.views(name) != views or clips.kept(name) != views for name in clips.names):
        raise ValueError("features in memory need clips whose views are always the same frames: use a store instead")
    return views


def label_table(clips: ClipSet, root: Path) -> dict[str, Tensor]:
    """Read the stacked labels of all clips, in the order of their names."""
    labels: dict[str, Tensor] = load_file(label_file(clips, root))
    return labels


def label_file(clips: ClipSet, root: Path) -> Path:
    """Write the file of the stacked labels in `root` if it is missing, and return its path.

    Several processes may call this at once: one writes the file, the others wait.
    """
    views = fixed_views(clips)
    path = root / f"labels-{table_key(clips, views)}.safetensors"
    with locked(path.with_suffix(".lock"), wait=True):
        if not path.is_file():
            with new_file(path) as draft:
                save_file(stack_labels([clips.labels(name, views) for name in clips.names]), draft)
    return path


def stack_labels(labels: Sequence[Labels]) -> dict[str, Tensor]:
    """Stack the labels of clips, field by field."""
    return {entry.name: torch.stack([getattr(of_clip, entry.name) for of_clip in labels]) for entry in fields(Labels)}


def table_key(clips: ClipSet, views: Sequence[int]) -> str:
    """Hash everything that determines the labels: the clips, their views and the size of the maps."""
    shape = list(clips.labels(clips.names[0], views).depth.shape)
    text = json.dumps([clips.key, [clips.label_name(name) for name in clips.names], list(views), shape])
    return hashlib.sha256(text.encode()).hexdigest()[:16]
