"""Where the regions of a clip show, and where they have depth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from models.geometry import valid_depth
from models.regions import Region
from region4d.footage.marked_clip import MarkedClip


def region_facts(footage: MarkedClip, regions: Sequence[Region]) -> list[dict[str, Any]]:
    """List what marks each region, and by frame its pixels and those with depth (None: the clip has no depth)."""
    depth = footage.clip.depth
    facts = []
    for k, region in enumerate(regions):
        kinds = sorted({f"--{mark.pointer.kind}" for mark in footage.marks if mark.index == k})
        frames = [
            {
                "frame": frame,
                "pixels": int(mask.sum()),
                "pixels_with_depth": None if depth is None else int((valid_depth(depth[frame]) & mask).sum()),
            }
            for frame, mask in sorted(region.masks.items())
            if bool(mask.any())
        ]
        facts.append({"region": k, "marked_by": kinds, "frames": frames})
    return facts


def visibility_notes(facts: Sequence[dict[str, Any]], frames: int) -> list[str]:
    """State where a region is not seen, or has no depth; `frames` is the length of the clip.

    Frames without a region are stated where a segmenter followed it, or where several frames are marked.

    Raises:
        ValueError: a region has no depth at any of its pixels, though the clip has depth.
    """
    lines = []
    for fact in facts:
        k, shown = fact["region"], [entry["frame"] for entry in fact["frames"]]
        hidden = [frame for frame in range(frames) if frame not in shown]
        if hidden and (len(shown) > 1 or {"--click", "--text"} & set(fact["marked_by"])):
            lines.append(
                f"note: region {k} is not marked on frames {_listed(hidden)} of {frames} (hidden, lost or out of the "
                f"picture); it counts on frames {_listed(shown)}"
            )
        known = [entry for entry in fact["frames"] if entry["pixels_with_depth"] is not None]
        without = [entry["frame"] for entry in known if not entry["pixels_with_depth"]]
        if known and len(without) == len(known):
            pixels = sum(entry["pixels"] for entry in known)
            raise ValueError(
                f"region {k} ({', '.join(fact['marked_by'])}) has no depth at any of its {pixels} pixels; mark an "
                "object with depth, or ask without metres by --no-depth"
            )
        if without:
            lines.append(
                f"note: region {k} has no depth on frames {_listed(without)}; its place comes from frames "
                f"{_listed([frame for frame in shown if frame not in without])}"
            )
    return lines


def _listed(frames: Sequence[int]) -> str:
    return ", ".join(map(str, frames))
