"""From flags to footage: a clip, the regions marked in it, and where its geometry comes from."""

from region4d.footage.geometry import GeometrySource
from region4d.footage.marked_clip import FrameChoice, MarkedClip, open_footage
from region4d.footage.marks import Mark, Pointer, check_mentions, parse_pointers

__all__ = [
    "FrameChoice",
    "GeometrySource",
    "Mark",
    "MarkedClip",
    "Pointer",
    "check_mentions",
    "open_footage",
    "parse_pointers",
]
