"""The Measure page: two points give the distance between them, beside what the models say of what is there."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from typing import Any

import gradio as gr

from region4d.app.marks import from_canvas
from region4d.app.measuring import QUESTION, MatchingQuestion, Measurement, matching_question, measure
from region4d.app.opening import Opened
from region4d.app.pages.canvas import canvas, shown
from region4d.app.pages.footage import FootageControls, needed, told
from region4d.app.settings import Settings
from region4d.app.systems import System, said_by
from region4d.cards.answers import Answer, Refusal, answer_cards
from region4d.cards.scene import SceneLine, scene_frame, scene_html
from region4d.footage.notes import footage_notes

EMPTY = '<div class="r4d-empty"><b>{}</b><span>{}</span></div>'
NOTHING = EMPTY.format("No measurement yet", "Open footage with depth and click on two points, on one frame or on two.")
NO_SCENE = EMPTY.format("No points yet", "The points of the footage and the line between yours appear here.")
NO_DEPTH = EMPTY.format(
    "This footage has no depth",
    "Without it nothing can be measured: open a world or an RGB-D folder, or start the server with --depth-model.",
)


def add_measure_page(systems: Sequence[System], settings: Settings, session: gr.State, tab: gr.Tab) -> None:
    """Add the page to the blocks that are being built. What a visitor opened is in `session` alone."""
    page = MeasurePage(systems)
    with gr.Row(equal_height=False, elem_classes="r4d-grid"):
        with gr.Column(min_width=280, elem_classes="r4d-left"):
            drawn = canvas("measure-canvas", measures=True)
            opened = gr.HTML(elem_classes="r4d-opened")
        with gr.Column(min_width=280, elem_classes="r4d-side"):
            controls = FootageControls(settings, session)
            measured = gr.HTML(NOTHING, elem_classes="r4d-result")
            stop = gr.Button("Stop", variant="secondary", size="sm", elem_classes="r4d-result")
        with gr.Column(min_width=280, elem_classes="r4d-below"):
            scene = gr.HTML(NO_SCENE)
    controls.show_on(tab, opened, page.show, [drawn, measured, scene])
    measuring = drawn.submit(
        page.measure,
        [session, drawn],
        [measured, scene],
        api_name="measure",
        concurrency_id="models",
        concurrency_limit=1,
        show_progress_on=measured,
        trigger_mode="always_last",
    )
    stop.click(None, cancels=[measuring], api_visibility="private")


class MeasurePage:
    """What the page does, without its layout. Nothing of a visitor stays here."""

    def __init__(self, systems: Sequence[System]) -> None:
        self.systems = systems

    def show(self, opened: Opened) -> list[Any]:
        """Show footage: its frames, no measurement, its points."""
        if opened.clip.depth is None:
            return [shown(opened.clip), NO_DEPTH, NO_SCENE]
        return [shown(opened.clip), NOTHING, scene_frame(scene_html(opened.clip), "Points")]

    def measure(self, opened: Opened | None, drawn: Any) -> Iterator[list[Any]]:
        """Measure between two points, show the line, then ask every model about what is there."""
        with told():
            opened = needed(opened)
            marks = from_canvas(drawn, len(opened.clip))
            measurement = measure(opened, marks)
            asked = matching_question(opened, marks)
        card = measurement_card(measurement, asked)
        yield [card, gr.skip()]
        frame = None if opened.clip.world_T_cam is not None else measurement.frames[0]
        line = SceneLine(measurement.ends, measurement.text, frame)
        scene = scene_frame(scene_html(opened.clip, line=line), "Points with a line")
        answers: list[Answer | Refusal] = []
        for system in self.systems:
            yield [card + answer_cards(QUESTION, answers, asked.truth, f"{system.name} reads the clip ..."), scene]
            said: list[Answer | Refusal] = []
            for part in said_by(system, asked.footage, QUESTION):
                said = [part]
                yield [card + answer_cards(QUESTION, [*answers, part], asked.truth), scene]
            answers += said
        yield [card + answer_cards(QUESTION, answers, asked.truth), scene]


def measurement_card(measurement: Measurement, asked: MatchingQuestion) -> str:
    """Write a distance, what it relies on, and what the models are asked beside it."""
    footage, (one, other) = asked.footage, measurement.frames
    where = f"on frame {one}" if one == other else f"from frame {one} to frame {other}, joined by their camera poses"
    lines = [f"depth: {footage.depth}", *footage_notes(footage, relative=False)]
    if not measurement.metric:
        lines.append("the scale of this depth is unknown: compare with other lengths of this clip, there are no metres")
    relies = "".join(f"<li>{html.escape(line)}</li>" for line in lines)
    return (
        '<section class="r4d-card r4d-measured"><span class="r4d-model">Straight line between the two points</span>'
        f'<p class="r4d-answer">{html.escape(measurement.text)}</p>'
        f'<p class="r4d-where">{html.escape(where)}</p>'
        f"<details open><summary>What it relies on</summary><ul>{relies}</ul></details></section>"
        '<p class="r4d-where">Models are asked how far the centres of things are, not these points. Their regions are '
        f"{html.escape(asked.regions)}.</p>"
    )
