"""The Worlds page: a seed becomes a video of colour, depth, flow and instances, and a scene."""

from __future__ import annotations

import html
import io
import tempfile
from pathlib import Path
from typing import Any

import gradio as gr

from region4d.app.opening import render_world
from region4d.app.pages.footage import told, whole
from region4d.app.settings import MOST_FRAMES
from region4d.cards.scene import scene_frame, scene_html
from scenes.clip import Clip
from scenes.drawing.data_url import data_url
from scenes.worlds.preview import PANELS, preview_sheet, write_preview_video

EMPTY = (
    '<div class="r4d-empty"><b>No world yet</b>'
    "<span>Choose a seed and press Render: the same seed gives the same world.</span></div>"
)


def add_worlds_page() -> None:
    """Add the page to the blocks that are being built."""
    with gr.Row(equal_height=True):
        seed = gr.Number(0, label="Seed", precision=0, minimum=0, min_width=110)
        frames = gr.Slider(1, MOST_FRAMES, 8, step=1, label="Frames", min_width=160)
        motion = gr.Checkbox(True, label="Objects move", min_width=130)
        render = gr.Button("Render", variant="primary", min_width=110)
    objects = gr.HTML(EMPTY)
    scene = gr.HTML()
    render.click(show_world, [seed, frames, motion], [objects, scene], api_name="world", show_progress_on=objects)


def show_world(seed: float, frames: float, motion: bool) -> list[Any]:
    """Render a world: its objects, the panels of its middle frame and as a video, its points over time."""
    with told():
        clip = render_world(whole(seed), whole(frames), bool(motion), flow=True)
    pictures = [objects_table(clip), _sheet(clip), _video(clip)]
    return ["".join(pictures), scene_frame(scene_html(clip), f"Points of {clip.name}")]


def _sheet(clip: Clip) -> str:
    file = io.BytesIO()
    preview_sheet([clip]).save(file, "PNG")
    return _figure(
        f'<img alt="Panels of the middle frame" src="{data_url("image/png", file.getvalue())}">', "Middle frame"
    )


def _video(clip: Clip) -> str:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "world.mp4"
        write_preview_video(clip, path)
        url = data_url("video/mp4", path.read_bytes())
    return _figure(
        f'<video controls loop muted src="{url}"></video>', f"Over {float(clip.seconds[-1]):.2f} s: {', '.join(PANELS)}"
    )


def _figure(inside: str, caption: str) -> str:
    return f'<figure class="r4d-figure"><figcaption>{html.escape(caption)}</figcaption>{inside}</figure>'


def objects_table(clip: Clip) -> str:
    """Write the objects of a world as a table."""
    assert clip.truth is not None
    rows = ""
    for each in clip.truth.objects:
        size = " x ".join(f"{side:.2f}" for side in each.size)
        cells = (f"{each.colour} {each.family}", f"{size} m", each.motion, f"{each.path_length:.2f} m")
        rows += f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in cells)}</tr>"
    return (
        '<table class="r4d-table"><thead><tr><th>object</th><th>size</th><th>motion</th><th>path</th></tr></thead>'
        f"<tbody>{rows}</tbody></table>"
    )
