"""A question about a clip in one call, without a session: for programs, and for language models with tools (MCP)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import gradio as gr

from region4d.app.marks import from_canvas, mark_clip
from region4d.app.opening import Opened, open_listed, open_world
from region4d.app.pages.footage import told, whole
from region4d.app.settings import Settings
from region4d.app.systems import System, said_by

NAME = "ask_about"
_WORLD = re.compile(r"(moving )?world (\d+)")


def add_one_call(systems: Sequence[System], settings: Settings) -> None:
    """Add the endpoint to the blocks that are being built."""
    gr.api(one_call(systems, settings), api_name=NAME, concurrency_id="models", concurrency_limit=1)


def offer_as_tool(app: gr.Blocks) -> None:
    """Make `ask_about` the one documented endpoint, so that it is the one tool: the others need a session."""
    for endpoint in app.fns.values():
        if endpoint.api_visibility == "public" and endpoint.api_name != NAME:
            endpoint.api_visibility = "undocumented"


def one_call(systems: Sequence[System], settings: Settings) -> Callable[..., list[dict[str, Any]]]:
    """Make the function whose signature and docstring are those of the endpoint."""

    def ask_about(
        footage: str, question: str, marks: list[dict[str, Any]], frames: int = settings.frames
    ) -> list[dict[str, Any]]:
        """Ask vision-language models about marked regions of a video or picture, in space and over time.

        Args:
            footage: a video, a picture or an RGB-D folder inside the folders of this server; or "world 6" or "moving world 6", a procedural world by its seed.
            question: the question; it mentions every region as <region0>, <region1>, ...
            marks: the regions, in pixels of the frames: {"region": 0, "frame": 0, "box": [x0, y0, x1, y1]}, or "point": [x, y] instead of "box"; region and frame are 0 unless they are given. A region may have several marks. An empty list where the question mentions no region.
            frames: how many frames of a video are used, sampled uniformly. Marks count among them, from 0.

        Returns:
            One entry a model: its name, its answer, the seconds it took, and what it was given; or why it does not answer.
        """  # noqa: E501 (gradio reads one line an argument, and gives it to a language model)
        with told():
            opened = open_named(footage, whole(frames), settings)
            marked = mark_clip(opened, from_canvas(marks, len(opened.clip)), question)
        answers = []
        for system in systems:
            *_, said = said_by(system, marked, question)
            answers.append(asdict(said))
        return answers

    return ask_about


def open_named(footage: str, frames: int, settings: Settings) -> Opened:
    """Open footage by its name; errors as `open_world` and `open_listed` have them."""
    if world := _WORLD.fullmatch(footage.strip()):
        return open_world(int(world[2]), frames, motion=world[1] is not None)
    return open_listed(footage, frames, settings)
