"""Segmentation of what a click or a text points at, in pictures and through videos."""

from models.segmenters.clicks import ClickSegmenter, ClickTracker
from models.segmenters.colours import ColourSegmenter
from models.segmenters.contract import Click, Prompt, Segmentation, Segmenter
from models.segmenters.names import open_segmenter
from models.segmenters.texts import TextSegmenter, TextTracker

__all__ = [
    "Click",
    "ClickSegmenter",
    "ClickTracker",
    "ColourSegmenter",
    "Prompt",
    "Segmentation",
    "Segmenter",
    "TextSegmenter",
    "TextTracker",
    "open_segmenter",
]
