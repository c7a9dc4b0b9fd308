"""The terminal: results go to standard output, progress to standard error."""

from __future__ import annotations

import rich
from rich.console import Console

CONSOLE = Console(highlight=False)


def progress_on_stderr() -> None:
    """Let the bars of rich, of all packages, write to standard error, so that results can be piped."""
    rich.reconfigure(stderr=True, highlight=False)


def quiet_transformers() -> None:
    """Hide the bars of transformers for loading and saving weights; verbs show progress of their own."""
    from transformers.utils import logging

    logging.disable_progress_bar()
