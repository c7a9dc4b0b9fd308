"""The Ask page: open footage, draw regions, ask one or two models, see the answers and the points."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gradio as gr

from region4d.app.folders import listed_footage
from region4d.app.marks import from_canvas, mark_clip, to_canvas
from region4d.app.opening import Opened, open_listed, open_upload, open_world
from region4d.app.pages.canvas import canvas, shown
from region4d.app.pages.cards import NOTHING, Refusal, answer_cards
from region4d.app.scene import scene_frame, scene_html
from region4d.app.settings import MOST_FRAMES, Settings
from region4d.app.systems import Answer, System

NO_SCENE = '<div class="r4d-empty"><span>{}</span></div>'
EXAMPLES = "Example questions"
FIRST_SEED = 6


def add_ask_page(systems: Sequence[System], settings: Settings) -> None:
    """Add the page to the blocks that are being built. What a visitor opened is in a state of the session alone."""
    page = AskPage(systems, settings)
    session = gr.State(None, time_to_live=3600)
    with gr.Row(equal_height=False, elem_id="ask-grid"):
        with gr.Column(min_width=280, elem_id="ask-canvas"):
            drawn = canvas(question="#question textarea")
            opened = gr.HTML(elem_classes="r4d-opened")
        with gr.Column(min_width=280, elem_id="ask-side"):
            with gr.Group():
                with gr.Tabs():
                    with gr.Tab("World"):
                        with gr.Row():
                            seed = gr.Number(FIRST_SEED, label="Seed", precision=0, minimum=0, min_width=90)
                            motion = gr.Checkbox(False, label="Objects move", min_width=120)
                        world = gr.Button("Open this world", variant="primary")
                    with gr.Tab("Upload"):
                        upload = gr.File(label=_upload_label(settings), file_count="single", height=150)
                    with gr.Tab("Folder"):
                        given = bool(settings.folders)
                        listed = gr.Dropdown(
                            listed_footage(settings.folders),
                            value=None,
                            label="RGB-D folder, video or picture",
                            info=None if given else "This server opens no folders: start it with --folder FOLDER",
                            allow_custom_value=True,
                            interactive=given,
                        )
                        folder = gr.Button("Open", variant="primary", interactive=given)
                frames = gr.Slider(1, MOST_FRAMES, settings.frames, step=1, label="Frames to use of a clip")
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
        with gr.Column(min_width=280, elem_id="ask-scene"):
            scene = gr.HTML(NO_SCENE.format("The points of the footage appear here, where it has depth."))

    shows = [session, drawn, opened, examples, question, answers, scene]
    at = {"show_progress_on": opened}
    world.click(page.open_world, [seed, frames, motion], shows, api_name="open_world", **at)
    upload.upload(page.open_upload, [upload, frames], [*shows, upload], api_name="open_upload", **at)
    folder.click(page.open_listed, [listed, frames], shows, api_name="open_folder", **at)
    examples.input(
        page.choose, [examples, session], [question, drawn], api_visibility="private", show_progress="hidden"
    )
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

    def open_world(self, seed: float, frames: float, motion: bool) -> list[Any]:
        """Open the world of a seed."""
        with told():
            return self._show(open_world(whole(seed), whole(frames), bool(motion)))

    def open_upload(self, path: str | None, frames: float) -> list[Any]:
        """Open an upload; its file is deleted."""
        with told():
            if path is None:
                raise ValueError("nothing was uploaded; choose a video or a picture")
            return [*self._show(open_upload(Path(path), Path(path).name, whole(frames), self.settings)), None]

    def open_listed(self, text: str | None, frames: float) -> list[Any]:
        """Open a path inside the folders of the server."""
        with told():
            return self._show(open_listed(text or "", whole(frames), self.settings))

    def choose(self, index: int | None, opened: Opened | None) -> list[Any]:
        """Write an example into the question; one of a world brings its regions."""
        if index is None:
            return [gr.skip(), gr.skip()]
        if opened is None or not opened.questions:
            return [self.examples[index], gr.skip()]
        known = opened.questions[index]
        return [known.text, gr.HTML(value=to_canvas(known.marks))]

    def ask(self, opened: Opened | None, drawn: Any, question: str) -> Iterator[list[Any]]:
        """Ask all models; show each answer as it comes, then the points with the regions in them."""
        with told():
            if opened is None:
                raise ValueError("there is no footage; open a world, an upload or a folder first")
            marks = from_canvas(drawn, len(opened.clip))
            footage = mark_clip(opened, marks, question)
        truth = opened.truth(question, marks)
        answers: list[Answer | Refusal] = []
        for system in self.systems:
            yield [answer_cards(question, answers, truth, f"{system.name} reads the clip ..."), gr.skip()]
            said: Answer | Refusal = Refusal(system.name, "no answer")
            try:
                for said in system.stream(footage, question):
                    yield [answer_cards(question, [*answers, said], truth), gr.skip()]
            except ValueError as error:
                said = Refusal(system.name, str(error))
            answers.append(said)
        cards = answer_cards(question, answers, truth)
        yield [cards, gr.skip()]
        if footage.clip.depth is not None:
            yield [cards, scene_frame(scene_html(footage.clip, footage.regions), "Points with regions")]

    def _show(self, opened: Opened) -> list[Any]:
        clip = opened.clip
        questions = [known.text for known in opened.questions] or self.examples
        label = "Questions about this world, with their regions and exact answers" if opened.questions else EXAMPLES
        if clip.depth is None:
            scene = NO_SCENE.format(
                "This footage has no depth, so there are no points to show. Answers come from its colours."
            )
        else:
            scene = scene_frame(scene_html(clip), "Points")
        return [
            opened,
            shown(clip),
            describe(opened),
            gr.Dropdown(questions, value=None, label=label),
            "",
            NOTHING,
            scene,
        ]


@contextmanager
def told() -> Iterator[None]:
    """Turn an error of input into a message of the page."""
    try:
        yield
    except (ValueError, OSError, ImportError) as error:
        raise gr.Error(str(error), duration=None, print_exception=False) from error


def _upload_label(settings: Settings) -> str:
    return f"Video (at most {settings.max_seconds:.0f} s) or picture; at most {settings.max_upload_mb} MB"


def describe(opened: Opened) -> str:
    """Write what was opened, and where its geometry comes from."""
    height, width = opened.clip.size
    depth = opened.depth or "none"
    parts = [opened.kind, f"{len(opened.clip)} frames of {width}x{height}", f"depth: {depth}", *opened.remarks]
    return f"<b>{html.escape(opened.title)}</b> · {html.escape(' · '.join(parts))}"


def whole(number: float) -> int:
    """Read a whole number of a page; ValueError for any other."""
    if not isinstance(number, int | float) or number != int(number):
        raise ValueError(f"a whole number is needed; got {number}")
    return int(number)
