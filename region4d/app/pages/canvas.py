"""The canvas on which regions are drawn: frames to scrub, tools to draw with, buttons that write mentions."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr
from einops import rearrange
from PIL import Image

from models.regions.drawing import PALETTE
from region4d.app.marks import MOST_REGIONS, CanvasMark, to_canvas
from scenes.clip import Clip

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
        clicks: offer regions by clicks; its `submit` then asks for the masks of the last one (`segment_clicks`).
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
        "pictures": [_data_url(frame) for frame in rearrange(clip.video, "t c h w -> t h w c").numpy()],
    }
    return gr.HTML(value=to_canvas(marks), clip=frames)


def _data_url(frame: Any) -> str:
    picture = Image.fromarray(frame)
    picture.thumbnail((LONGEST, LONGEST))
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=88)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()
