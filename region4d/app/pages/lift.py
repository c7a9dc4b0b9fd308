"""The Lift page: mark an object on a frame, and see it as a mesh over the photo, in the points, and by itself."""

from __future__ import annotations

import html
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import gradio as gr

from models.lifting import write_glb
from models.lifting.export import RELATIVE_UNITS
from region4d.app.lifting import Lifted, Lifter
from region4d.app.marks import from_canvas
from region4d.app.opening import Opened
from region4d.app.pages.canvas import canvas, shown
from region4d.app.pages.footage import FootageControls, needed, told
from region4d.app.pages.progress import progress
from region4d.app.settings import Settings
from region4d.app.work import Step, steps
from region4d.cards.scene import lifted_html, scene_frame
from scenes.drawing.data_url import jpeg_url
from scenes.drawing.meshes import photo_and_meshes

NOTHING = (
    '<div class="r4d-empty"><b>Nothing lifted yet</b><span>Open footage, draw a box around one object or paint it, and '
    "press Lift.</span></div>"
)
STOPPED = '<div class="r4d-empty"><span>Stopped. Nothing was lifted.</span></div>'
SOON = "The mesh among the points of its frame appears here."
NO_SCENE = '<div class="r4d-empty"><span>{}</span></div>'


def add_lift_page(lifter: Lifter, settings: Settings, session: gr.State, tab: gr.Tab) -> None:
    """Add the page to the blocks that are being built. What a visitor opened is in `session` alone."""
    page = LiftPage(lifter)
    with gr.Row(equal_height=False, elem_classes="r4d-grid"):
        with gr.Column(min_width=280, elem_classes="r4d-left"):
            drawn = canvas("lift-canvas")
            opened = gr.HTML(elem_classes="r4d-opened")
        with gr.Column(min_width=280, elem_classes="r4d-side"):
            controls = FootageControls(settings, session)
            effort = gr.Radio(
                [("Quick", "quick"), ("Thorough, as region4d lift", "thorough")], value="quick", label="Effort"
            )
            with gr.Row():
                lift = gr.Button("Lift", variant="primary", min_width=120)
                stop = gr.Button("Stop", variant="secondary", min_width=120)
            card = gr.HTML(NOTHING)
        with gr.Column(min_width=280, elem_classes="r4d-below"):
            pictures = gr.HTML()
            with gr.Row(equal_height=False, elem_classes="r4d-beside"):
                with gr.Column(min_width=280):
                    scene = gr.HTML(NO_SCENE.format(SOON))
                with gr.Column(min_width=280):
                    mesh = gr.Model3D(
                        elem_id="lift-mesh", label="Mesh", interactive=False, height=400, camera_position=(90, 75, None)
                    )
                    download = gr.DownloadButton("Download GLB", interactive=False)
    results = [card, pictures, scene, download]
    controls.show_on(tab, opened, page.show, [drawn, *results, mesh])
    lifting = lift.click(
        page.lift,
        [session, drawn, effort],
        results,
        api_name="lift",
        concurrency_id="lift",
        concurrency_limit=1,
        show_progress="hidden",
    )
    # A generator sends its last values twice, and Model3D of gradio 6.31 shows nothing if that comes while it loads.
    lifting.success(lambda path: path, download, mesh, api_visibility="private", show_progress="hidden")
    stop.click(lambda: STOPPED, None, card, cancels=lifting, api_visibility="private", show_progress="hidden")


class LiftPage:
    """What the page does, without its layout. Nothing of a visitor stays here."""

    def __init__(self, lifter: Lifter) -> None:
        self.lifter = lifter

    def show(self, opened: Opened) -> list[Any]:
        """Show footage: its frames, nothing lifted yet."""
        scene = SOON
        if opened.clip.depth is None:
            scene = "This footage has no depth: a mesh is lifted, but its size and place are guesses."
        empty = gr.DownloadButton(value=None, interactive=False)
        return [shown(opened.clip), NOTHING, "", NO_SCENE.format(scene), empty, None]

    def lift(self, opened: Opened | None, drawn: Any, effort: str) -> Iterator[list[Any]]:
        """Lift the marked object; show how far it is, then the card, the pictures, the scene and the file."""
        with told():
            footage = needed(opened)
            marks = from_canvas(drawn, len(footage.clip))
            with closing(steps(lambda report: self.lifter.lift(footage, marks, effort, report))) as messages:
                for message in messages:
                    if isinstance(message, Step):
                        yield [progress(message.doing, message.share), *[gr.skip()] * 3]
                    else:
                        lifted = message.result
        pictures, scene = over_photo_html(lifted), lifted_scene(lifted)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "lifted.glb"
            write_glb(path, [lifted.obj], lifted.unit or RELATIVE_UNITS)
            download = gr.DownloadButton(value=str(path), interactive=True)  # gradio keeps a copy for an hour
            yield [lift_card(lifted), pictures, scene, download]


def lift_card(lifted: Lifted) -> str:
    """Write the size of a lifted object, that of the truth where it is known, and what was assumed."""
    given = "".join(f"<li>{html.escape(line)}</li>" for line in lifted.lines)
    size = lifted.size or "size unknown: no depth was given"
    truth = "" if lifted.truth is None else f'<p class="r4d-truth"><b>Exact</b>{html.escape(lifted.truth)}</p>'
    return (
        f'<div class="r4d-answers">{truth}<section class="r4d-card">'
        f'<span class="r4d-model">{html.escape(lifted.model)}</span>'
        f'<span class="r4d-time">{lifted.seconds:.1f} s</span><p class="r4d-answer">{html.escape(size)}</p>'
        f"<details open><summary>What it was given, and how sure it is</summary><ul>{given}</ul></details>"
        "</section></div>"
    )


def over_photo_html(lifted: Lifted) -> str:
    """Draw the photo with the mask, and the mesh over the faded photo."""
    given = lifted.given
    pictures = photo_and_meshes(given.image, given.masks, [lifted.obj], given.intrinsics)
    captions = ("The object in the photo", "The mesh over the photo")
    figures = (
        f'<figure class="r4d-figure"><figcaption>{caption}</figcaption>'
        f'<img alt="{caption}" src="{jpeg_url(picture, quality=90)}"></figure>'
        for caption, picture in zip(captions, pictures, strict=True)
    )
    return f'<div class="r4d-pair">{"".join(figures)}</div>'


def lifted_scene(lifted: Lifted) -> str:
    """Write the scene, or why there is none."""
    if lifted.clip.depth is None:
        return NO_SCENE.format("This footage has no depth, so there are no points around the mesh.")
    page = lifted_html(lifted.clip, lifted.given.masks[0], lifted.obj.in_camera())
    return scene_frame(page, "The mesh in the points")
