"""The Ask page: draw regions in footage, ask one or two models, see the answers and the points."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import gradio as gr

from region4d.app.marks import from_canvas, mark_clip, to_canvas
from region4d.app.opening import Opened
from region4d.app.pages.canvas import canvas, segment_on_click, shown
from region4d.app.pages.footage import FootageControls, needed, told
from region4d.app.settings import Settings
from region4d.app.systems import System, said_by
from region4d.cards.answers import NOTHING, Answer, Refusal, answer_cards
from region4d.cards.scene import scene_frame, scene_html

NO_SCENE = '<div class="r4d-empty"><span>{}</span></div>'
EXAMPLES = "Example questions"


def add_ask_page(systems: Sequence[System], settings: Settings, session: gr.State, tab: gr.Tab) -> None:
    """Add the page to the blocks that are being built. What a visitor opened is in `session` alone."""
    page = AskPage(systems, settings)
    with gr.Row(equal_height=False, elem_classes="r4d-grid"):
        with gr.Column(min_width=280, elem_classes="r4d-left"):
            drawn = canvas("canvas", question="#question textarea", clicks=settings.segmenter is not None)
            opened = gr.HTML(elem_classes="r4d-opened")
        with gr.Column(min_width=280, elem_classes="r4d-side"):
            controls = FootageControls(settings, session, public=True)
            with gr.Group():
                question = gr.Textbox(
                    label="Question",
                    placeholder="How far is <region0> from <region1> at the start?",
                    lines=2,
                    max_lines=5,
                    submit_btn=False,
                    elem_id="question",
                )
                examples = gr.Dropdown(
                    page.examples, value=None, label=EXAMPLES, type="index", filterable=False, elem_id="examples"
                )
            with gr.Row():
                ask = gr.Button("Ask", variant="primary", min_width=120)
                stop = gr.Button("Stop", variant="secondary", min_width=120)
            answers = gr.HTML(NOTHING)
        with gr.Column(min_width=280, elem_classes="r4d-below"):
            scene = gr.HTML(NO_SCENE.format("The points of the footage appear here, where it has depth."))

    controls.show_on(tab, opened, page.show, [drawn, examples, question, answers, scene])
    examples.input(
        page.choose, [examples, session], [question, drawn], api_visibility="private", show_progress="hidden"
    )
    if settings.segmenter is not None:
        segment_on_click(drawn, session, settings.segmenter, public=True)
    asking = [
        trigger(
            page.ask,
            [session, drawn, question],
            [answers, scene],
            api_name=name,
            api_visibility="public" if name else "private",
            concurrency_id="models",
            concurrency_limit=1,  # one answer after the other, so that its seconds are its own
            show_progress_on=answers,
        )
        for trigger, name in ((ask.click, "ask"), (question.submit, None))
    ]
    stop.click(None, cancels=asking, api_visibility="private")


class AskPage:
    """What the page does, without its layout. Nothing of a visitor stays here."""

    def __init__(self, systems: Sequence[System], settings: Settings) -> None:
        self.systems, self.settings = systems, settings
        self.examples = [text for text in systems[0].examples if all(system.reads(text) for system in systems)]

    def show(self, opened: Opened) -> list[Any]:
        """Show footage: its frames, example questions, an empty question, no answers, its points."""
        clip = opened.clip
        questions = [known.text for known in opened.questions] or self.examples
        label = "Questions about this world, with their regions and exact answers" if opened.questions else EXAMPLES
        if clip.depth is None:
            scene = NO_SCENE.format(
                "This footage has no depth, so there are no points to show. Answers come from its colours."
            )
        else:
            scene = scene_frame(scene_html(clip), "Points")
        return [shown(clip), gr.Dropdown(questions, value=None, label=label), "", NOTHING, scene]

    def choose(self, index: int | None, opened: Opened | None) -> list[Any]:
        """Write an example into the question; one of a world brings its regions."""
        if index is None:
            return [gr.skip(), gr.skip()]
        if opened is None or not opened.questions:
            return [self.examples[index], gr.skip()]
        known = opened.questions[index]
        return [known.text, to_canvas(known.marks)]

    def ask(self, opened: Opened | None, drawn: Any, question: str) -> Iterator[list[Any]]:
        """Ask all models; show each answer as it comes, then the points with the regions in them."""
        with told():
            opened = needed(opened)
            marks = from_canvas(drawn, len(opened.clip))
            footage = mark_clip(opened, marks, question)
        truth = opened.truth(question, marks)
        answers: list[Answer | Refusal] = []
        for system in self.systems:
            yield [answer_cards(question, answers, truth, f"{system.name} reads the clip ..."), gr.skip()]
            said: list[Answer | Refusal] = []
            for part in said_by(system, footage, question):
                said = [part]
                yield [answer_cards(question, [*answers, part], truth), gr.skip()]
            answers += said
        cards = answer_cards(question, answers, truth)
        yield [cards, gr.skip()]
        if footage.clip.depth is not None:
            yield [cards, scene_frame(scene_html(footage.clip, footage.regions), "Points with regions")]
