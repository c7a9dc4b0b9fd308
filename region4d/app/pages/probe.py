"""The Probe page: a clip and a frozen model become predicted points and depth, and features as colours by layer."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from typing import Any

import gradio as gr

from region4d.app.opening import Opened
from region4d.app.pages.footage import FootageControls, needed, told, whole
from region4d.app.pages.probe_cards import NO_CLIP, NOTHING, depth_html, features_html, frames_html, reading_html
from region4d.app.pages.progress import progress
from region4d.app.probing.frozen_models import FrozenModel
from region4d.app.probing.linear_head import FRAMES
from region4d.app.probing.reading import Reading, read_clip
from region4d.app.probing.scene import clouds_html, clouds_of
from region4d.app.settings import Settings
from region4d.app.work import Step, steps
from region4d.cards.scene import scene_frame

STOPPED = '<div class="r4d-empty"><span>Stopped. Nothing was probed.</span></div>'
NO_SCENE = '<div class="r4d-empty"><span>Predicted points beside the true ones appear here.</span></div>'


def add_probe_page(models: Mapping[str, FrozenModel], settings: Settings, session: gr.State, tab: gr.Tab) -> None:
    """Add the page to the blocks that are being built. What a visitor opened is in `session` alone."""
    page = ProbePage(models)
    with gr.Row(equal_height=False, elem_classes="r4d-grid"):
        with gr.Column(min_width=280, elem_classes="r4d-left"):
            frames = gr.HTML(NO_CLIP)
            opened = gr.HTML(elem_classes="r4d-opened")
        with gr.Column(min_width=280, elem_classes="r4d-side"):
            controls = FootageControls(replace(settings, frames=FRAMES), session)
            names = [(f"{name}: {model.about}", name) for name, model in models.items()]
            chosen = gr.Dropdown(
                names, value=names[0][1], label="Frozen model", filterable=False, elem_id="probe-model"
            )
            with gr.Row():
                probe = gr.Button("Probe", variant="primary", min_width=120)
                stop = gr.Button("Stop", variant="secondary", min_width=120)
            layer = gr.Radio([], label="Points and depth are read from", visible=False, elem_id="probe-layer")
            asked = gr.Number(None, label="Layer", precision=0, visible=False)  # of a program; a visitor uses `layer`
            errors = gr.HTML(NOTHING)
        with gr.Column(min_width=280, elem_classes="r4d-below"):
            scene = gr.HTML(NO_SCENE)
            depth = gr.HTML()
            features = gr.HTML()
    results = [errors, depth, scene, features, layer]
    controls.show_on(tab, opened, page.show, [frames, *results])
    probing = [
        trigger(
            page.probe,
            [session, chosen, of],
            results,
            api_name=name,
            api_visibility="public" if name else "private",
            concurrency_id="probe",
            concurrency_limit=1,
            show_progress="hidden",
        )
        for trigger, of, name in ((probe.click, asked, "probe"), (layer.input, layer, None))
    ]
    chosen.input(
        lambda: gr.Radio(value=None, visible=False), None, layer, api_visibility="private", show_progress="hidden"
    )
    stop.click(lambda: STOPPED, None, errors, cancels=probing, api_visibility="private", show_progress="hidden")


class ProbePage:
    """What the page does, without its layout. Nothing of a visitor stays here."""

    def __init__(self, models: Mapping[str, FrozenModel]) -> None:
        self.models = models

    def show(self, opened: Opened) -> list[Any]:
        """Show footage: its frames, nothing probed yet."""
        return [frames_html(opened.clip), NOTHING, "", NO_SCENE, "", gr.Radio(value=None, visible=False)]

    def probe(self, opened: Opened | None, name: str, layer: float | None) -> Iterator[list[Any]]:
        """Read a clip with a frozen model; show how far it is, then errors, depth, points and features.

        `layer` is that of the points and depth; None for the first of the model's options.
        """
        with told():
            footage = needed(opened)
            model, start = self.models[name], time.perf_counter()
            asked = None if layer is None else whole(layer)
            with closing(steps(lambda report: read_clip(model, footage, asked, report))) as messages:
                for message in messages:
                    if isinstance(message, Step):
                        yield [progress(message.doing, message.share), *[gr.skip()] * 4]
                    else:
                        reading = message.result
            seconds = time.perf_counter() - start
        truth = "true" if footage.clip.truth is not None else f"given ({footage.depth})"
        known = sorted(reading.predictions)
        chosen = gr.Radio([(f"layer {k}", k) for k in known], value=reading.layer, visible=len(known) > 1)
        card = reading_html(reading, model, seconds)
        yield [card, depth_html(reading, truth), points_scene(reading, truth), features_html(reading), chosen]


def points_scene(reading: Reading, truth: str) -> str:
    """Write the scene of predicted and true points."""
    clouds = clouds_of(reading, truth)
    page = clouds_html(clouds, reading.clip.seconds[list(reading.views)])
    return scene_frame(page, " and ".join(f"{cloud.label} points" for cloud in clouds))
