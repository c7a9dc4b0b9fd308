"""Opening footage: the controls of a page, and what all pages of a session share."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gradio as gr

from region4d.app.folders import listed_footage
from region4d.app.opening import Opened, open_listed, open_upload, open_world
from region4d.app.settings import MOST_FRAMES, Settings

FIRST_SEED = 6
LIFETIME = 3600  # seconds that a session keeps what it opened


class FootageControls:
    """The controls of a page that open a world, an upload or a path inside the folders of the server.

    What is opened is in `session`, a state that all pages of a visitor share and no other visitor sees. Made where the
    controls shall be on the page; `show_on` says afterwards what the page does with it.
    """

    def __init__(self, settings: Settings, session: gr.State, public: bool = False) -> None:
        """Add the controls. The endpoints of one page alone are `public`."""
        self.settings, self.session, self.public = settings, session, public
        with gr.Group():
            with gr.Tabs():
                with gr.Tab("World"):
                    with gr.Row():
                        self.seed = gr.Number(FIRST_SEED, label="Seed", precision=0, minimum=0, min_width=90)
                        self.motion = gr.Checkbox(False, label="Objects move", min_width=120)
                    self.world = gr.Button("Open this world", variant="primary")
                with gr.Tab("Upload"):
                    self.upload = gr.File(label=_upload_label(settings), file_count="single", height=150)
                with gr.Tab("Folder"):
                    given = bool(settings.folders)
                    self.listed = gr.Dropdown(
                        listed_footage(settings.folders),
                        value=None,
                        label="RGB-D folder, video or picture",
                        info=None if given else "This server opens no folders: start it with --folder FOLDER",
                        allow_custom_value=True,
                        interactive=given,
                    )
                    self.folder = gr.Button("Open", variant="primary", interactive=given)
            self.frames = gr.Slider(1, MOST_FRAMES, settings.frames, step=1, label="Frames to use of a clip")

    def show_on(
        self, tab: gr.Tab, opened: gr.HTML, show: Callable[[Opened], Sequence[Any]], outputs: Sequence[Any]
    ) -> None:
        """Show what is opened by these controls, and, once `tab` is selected, what another page opened.

        Args:
            tab: the tab of the page.
            opened: where the footage is described.
            show: makes the values of `outputs` of what was opened.
            outputs: the components of the page that depend on it.
        """

        def refresh(footage: Opened | None, shown: str) -> list[Any]:
            if footage is None or footage.key == shown:
                return [gr.skip()] * (2 + len(outputs))
            with told():
                return [footage.key, describe(footage), *show(footage)]

        shown = gr.State("")  # which footage this page shows
        refreshing = (refresh, [self.session, shown], [shown, opened, *outputs])
        for trigger, open_it, inputs, name in (
            (self.world.click, self.open_world, [self.seed, self.frames, self.motion], "open_world"),
            (self.upload.upload, self.open_upload, [self.upload, self.frames], "open_upload"),
            (self.folder.click, self.open_listed, [self.listed, self.frames], "open_folder"),
        ):
            opening = trigger(
                open_it,
                inputs,
                [self.session, opened, *([self.upload] if name == "open_upload" else [])],
                api_name=name if self.public else None,
                api_visibility="public" if self.public else "private",
                show_progress_on=opened,
            )
            opening.success(*refreshing, api_visibility="private", show_progress_on=opened)
            if name == "open_upload":
                opening.failure(lambda: None, None, self.upload, api_visibility="private")  # room for another file
        tab.select(*refreshing, api_visibility="private", show_progress="hidden")

    def open_world(self, seed: float, frames: float, motion: bool) -> list[Any]:
        """Open the world of a seed."""
        with told():
            return _described(open_world(whole(seed), whole(frames), bool(motion)))

    def open_upload(self, path: str | None, frames: float) -> list[Any]:
        """Open an upload; its file is deleted."""
        with told():
            if path is None:
                raise ValueError("nothing was uploaded; choose a video or a picture")
            return [*_described(open_upload(Path(path), Path(path).name, whole(frames), self.settings)), None]

    def open_listed(self, text: str | None, frames: float) -> list[Any]:
        """Open a path inside the folders of the server."""
        with told():
            return _described(open_listed(text or "", whole(frames), self.settings))


@contextmanager
def told() -> Iterator[None]:
    """Turn an error of input into a message of the page."""
    try:
        yield
    except (ValueError, OSError, ImportError) as error:
        raise gr.Error(shown_as_text(str(error)), duration=None, print_exception=False) from error


def shown_as_text(message: str) -> str:
    """Write a message so that the page, which reads HTML, shows what is in angle brackets."""
    return message.replace("<", "‹").replace(">", "›")


def needed(opened: Opened | None) -> Opened:
    """Take what a session opened; ValueError where it is nothing."""
    if opened is None:
        raise ValueError("there is no footage; open a world, an upload or a folder first")
    return opened


def whole(number: float) -> int:
    """Read a whole number of a page; ValueError for any other."""
    if not isinstance(number, int | float) or number != int(number):
        raise ValueError(f"a whole number is needed; got {number}")
    return int(number)


def describe(opened: Opened) -> str:
    """Write what was opened, and where its geometry comes from."""
    height, width = opened.clip.size
    depth = opened.depth or "none"
    parts = [opened.kind, f"{len(opened.clip)} frames of {width}x{height}", f"depth: {depth}", *opened.remarks]
    return f"<b>{html.escape(opened.title)}</b> · {html.escape(' · '.join(parts))}"


def _described(opened: Opened) -> list[Any]:
    return [opened, describe(opened)]


def _upload_label(settings: Settings) -> str:
    return f"Video (at most {settings.max_seconds:.0f} s) or picture; at most {settings.max_upload_mb} MB"
