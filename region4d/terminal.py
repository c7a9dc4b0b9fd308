"""The terminal that verbs print tables and progress to."""

from __future__ import annotations

from rich.console import Console

CONSOLE = Console(highlight=False)
