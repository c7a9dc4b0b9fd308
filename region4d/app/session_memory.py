"""What gradio remembers of a session: one component a number, however often it is updated."""

from __future__ import annotations

from typing import Any

from gradio.blocks import Block
from gradio.state_holder import SessionState

_remember = SessionState.__setitem__


def keep_numbers() -> None:
    """Give every component that replaces another one its number.

    Gradio 6.31 builds a new component for an update (`gr.skip()` is one), remembers it under the number of the old one,
    and under its own at the next plain value. All of them, with their values, would stay as long as the session.
    """

    def remember(session: SessionState, key: int, value: Any) -> None:
        if isinstance(value, Block):
            value._id = key
        _remember(session, key, value)

    SessionState.__setitem__ = remember
