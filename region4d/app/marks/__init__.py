"""What a visitor draws: marks as JSON, the masks that they draw, and a clip with its regions marked."""

from region4d.app.marks.clicks import segment_clicks
from region4d.app.marks.forms import (
    MOST_REGIONS,
    BoxMark,
    CanvasMark,
    ClickMark,
    MaskMark,
    PointMark,
    StrokeMark,
)
from region4d.app.marks.marked import has_joined_frames, mark_clip, mark_regions
from region4d.app.marks.reading import from_canvas, to_canvas

__all__ = [
    "MOST_REGIONS",
    "BoxMark",
    "CanvasMark",
    "ClickMark",
    "MaskMark",
    "PointMark",
    "StrokeMark",
    "from_canvas",
    "has_joined_frames",
    "mark_clip",
    "mark_regions",
    "segment_clicks",
    "to_canvas",
]
