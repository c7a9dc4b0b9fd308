"""The terminal that verbs print tables and progress to."""

from __future__ import annotations

from rich.console import Console
from transformers.utils import logging

CONSOLE = Console(highlight=False)


def quiet_transformers() -> None:
    """Hide the bars of transformers for loading and saving weights; verbs show progress of their own."""
    logging.disable_progress_bar()
