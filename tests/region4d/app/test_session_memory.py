"""A session remembers as many components as the page has, however often they are updated."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

try:
    import gradio as gr
    from gradio.state_holder import SessionState
    from gradio_client import Client

    from region4d.app import session_memory
except ImportError:
    pytest.skip("needs gradio, of the extra app", allow_module_level=True)


@pytest.mark.parametrize("kept", [True, False])
def test_updates_add_nothing_to_a_session(monkeypatch: pytest.MonkeyPatch, kept: bool) -> None:
    """Without the cure it grows: when this fails, gradio has mended it, and the cure can go."""
    monkeypatch.setattr(SessionState, "__setitem__", session_memory._remember)
    if kept:
        session_memory.keep_numbers()

    def values() -> Iterator[Any]:
        yield gr.skip()
        yield "long"

    with gr.Blocks(analytics_enabled=False) as app:
        page = gr.HTML()
        gr.Button().click(values, None, page, api_name="values")
    app.queue()
    try:
        _, address, _ = app.launch(prevent_thread_lock=True, quiet=True, ssr_mode=False)
        client = Client(address, verbose=False)
        client.predict(api_name="/values")
        (session,) = app.state_holder.session_data.values()
        before = len(session.config_values)
        for _ in range(3):
            client.predict(api_name="/values")
        assert (len(session.config_values) == before) is kept
    finally:
        app.close(verbose=False)
