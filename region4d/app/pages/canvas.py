"""The canvas on which regions are drawn: frames to scrub, tools to draw with, buttons that write mentions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr
from einops import rearrange
from PIL import Image

from models.regions.drawing import PALETTE
from models.segmenters import Segmenter
from region4d.app.marks import MOST_REGIONS, CanvasMark, ClickMark, from_canvas, segment_clicks, to_canvas
from region4d.app.opening import Opened
from region4d.app.pages.footage import needed, shown_as_text, told
from scenes.clip import Clip
from scenes.drawing.data_url import jpeg_url

ASSETS = Path(__file__).parent / "assets"
LONGEST = 960  # side of a frame as it is sent, pixels
TEMPLATE = (ASSETS / "canvas.html").read_text()
SCRIPT = (ASSETS / "paint.js").read_text() + (ASSETS / "canvas.js").read_text()
DRAWING = ("box", "brush", "erase", "point")


def canvas(elem_id: str, *, question: str = "", clicks: bool = False, measures: bool = False) -> gr.HTML:
    """Build an empty canvas. Its value is a list of marks as `from_canvas` reads them.

    Args:
        elem_id: its own on the page.
        question: CSS selector of the field into which its buttons put `<region k>`; without one there are no buttons.
        clicks: offer regions by clicks, for `segment_on_click`.
        measures: take two points alone, as regions 0 and 1; its `submit` comes with the second one.
    """
    tools = ["point"] if measures else [*DRAWING, *(["click"] if clicks else [])]
    return gr.HTML(
        value=[],
        html_template=TEMPLATE,
        js_on_load=SCRIPT,
        apply_default_css=False,
        elem_id=elem_id,
        question=question,
        tools=tools,
        measures=measures,
        palette=[list(colour) for colour in PALETTE],
        most=MOST_REGIONS,
        clip=None,
    )


def shown(clip: Clip, marks: Sequence[CanvasMark] = ()) -> Any:
    """Update the canvas to show a clip with marks."""
    height, width = clip.size
    frames = {
        "width": width,
        "height": height,
        "seconds": [round(second, 3) for second in clip.seconds.tolist()],
        "pictures": [_frame_url(frame) for frame in rearrange(clip.video, "t c h w -> t h w c").numpy()],
    }
    return gr.HTML(value=to_canvas(marks), clip=frames)


def segment_on_click(drawn: gr.HTML, session: gr.State, segmenter: Segmenter, public: bool = False) -> None:
    """Let a segmenter make masks of the clicks on a canvas; one page alone makes its endpoint `public`."""

    def segment(opened: Opened | None, value: Any) -> list[dict[str, Any]]:
        """Make masks of the clicks of the region that was clicked last; a click at which nothing is found goes."""
        with told():
            opened = needed(opened)
            marks = from_canvas(value, len(opened.clip))
        last = next((mark for mark in reversed(marks) if isinstance(mark, ClickMark)), None)
        if last is None:
            return to_canvas(marks)
        try:
            return to_canvas(segment_clicks(opened.clip, marks, last.region, segmenter))
        except ValueError as error:
            gr.Warning(shown_as_text(str(error)))
            return to_canvas([mark for mark in marks if mark is not last])

    drawn.submit(
        segment,
        [session, drawn],
        drawn,
        api_name="segment" if public else None,
        api_visibility="public" if public else "private",
        show_progress="hidden",
        concurrency_id="segmenter",
        concurrency_limit=1,  # one network for all visitors
    )


def _frame_url(frame: Any) -> str:
    picture = Image.fromarray(frame)
    picture.thumbnail((LONGEST, LONGEST))
    return jpeg_url(picture, quality=88)
