"""The app as a whole: its pages, and how they are served."""

from __future__ import annotations

import html
import os
import socket
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout

from region4d.app.settings import Settings

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read where gradio is imported
try:
    import gradio as gr
except ImportError as error:
    raise ImportError("the web app needs gradio; pip install 'region4d[app]'") from error

from starlette.middleware import Middleware

from region4d.app.lifting import Lifter
from region4d.app.limits import Limits
from region4d.app.one_call import add_one_call, offer_as_tool
from region4d.app.pages.ask import add_ask_page
from region4d.app.pages.footage import LIFETIME
from region4d.app.pages.lift import add_lift_page
from region4d.app.pages.measure import add_measure_page
from region4d.app.pages.probe import add_probe_page
from region4d.app.pages.studies import add_studies_page
from region4d.app.pages.theme import CSS, theme
from region4d.app.pages.worlds import add_worlds_page
from region4d.app.probing.frozen_models import frozen_models
from region4d.app.session_memory import keep_numbers
from region4d.app.systems import System

SWEEP = (600, 3600)  # seconds between sweeps of files, and how old a file gets
FILES = "GRADIO_TEMP_DIR"  # where gradio keeps uploads and what it serves
MOST_WAITING = 64  # questions and openings in the queue
# With WebGPU, the viewer of meshes (Babylon, in gr.Model3D) may ask a host of its own for a compiler of shaders.
WITHOUT_WEBGPU = "<script>Object.defineProperty(navigator, 'gpu', {value: undefined})</script>"
HEAD = """<div class="r4d-head"><h1>region<i>4d</i></h1>
<p>Point at things in a video and ask about them in space and time.</p><span class="r4d-loaded">{}</span></div>"""


def build_app(systems: Sequence[System], settings: Settings) -> gr.Blocks:
    """Build the pages of a server."""
    with gr.Blocks(title="region4d", analytics_enabled=False, delete_cache=SWEEP) as app:
        device = settings.geometry.device
        gr.HTML(HEAD.format(html.escape(" and ".join(system.name for system in systems))))
        session = gr.State(None, time_to_live=LIFETIME)  # what a visitor opened, on whichever page
        lifter = Lifter(settings.lift_model, device)
        frozen = frozen_models(settings.probes, device)
        with gr.Tabs():
            with gr.Tab("Ask", id="ask") as tab:
                add_ask_page(systems, settings, session, tab)
            with gr.Tab("Measure", id="measure") as tab:
                add_measure_page(systems, settings, session, tab)
            with gr.Tab("Lift", id="lift") as tab:
                add_lift_page(lifter, settings, session, tab)
            with gr.Tab("Probe", id="probe") as tab:
                add_probe_page(frozen, settings, session, tab)
            with gr.Tab("Worlds", id="worlds"):
                add_worlds_page()
            with gr.Tab("Studies", id="studies"):
                add_studies_page(settings)
        add_one_call(systems, settings)
    if settings.mcp:
        offer_as_tool(app)
    app.queue(max_size=MOST_WAITING, default_concurrency_limit=2, api_open=False)
    return app


@contextmanager
def served(
    systems: Sequence[System], settings: Settings, host: str = "127.0.0.1", port: int | None = None
) -> Iterator[str]:
    """Serve the app, and give its address. Its files lie in a folder that is deleted at the end.

    Without a port, it takes the first free one from 7860.

    Raises:
        OSError: the port is taken or not allowed, or this machine has no such host.
    """
    with tempfile.TemporaryDirectory(prefix="region4d-serve-") as files:
        around = os.environ.get(FILES)  # of another app in this process
        os.environ[FILES] = files
        keep_numbers()
        app = build_app(systems, settings)
        try:
            if port:
                _refuse_taken(host, port)
            with redirect_stdout(sys.stderr):  # where the address is printed too
                _, address, _ = app.launch(
                    server_name=host,
                    server_port=port or None,
                    prevent_thread_lock=True,
                    quiet=True,
                    share=False,
                    show_error=True,
                    max_file_size=settings.max_upload_bytes,
                    footer_links=[],
                    run_history=False,
                    enable_monitoring=False,
                    ssr_mode=False,
                    pwa=False,
                    mcp_server=settings.mcp,
                    state_session_capacity=200,
                    theme=theme(),
                    css=CSS,
                    head=WITHOUT_WEBGPU,
                    app_kwargs={"middleware": [Middleware(Limits, max_bytes=settings.max_upload_bytes)]},
                )
            yield address
        finally:
            app.close(verbose=False)
            os.environ.pop(FILES)
            if around is not None:
                os.environ[FILES] = around


def _refuse_taken(host: str, port: int) -> None:
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((host, port))
        except OSError as error:
            raise OSError(f"cannot listen on {host}, port {port}: {error.strerror}; choose another --port") from error
