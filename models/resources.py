"""Where things lie: folders that come with the code, and modules of the one who calls it."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def resource_folder(name: str) -> Path:
    """Locate a folder that comes with the code. It lies beside `models`, in the repository and in a wheel alike."""
    return Path(__file__).resolve().parents[1] / name


def import_from_here() -> None:
    """Let modules of the working directory be imported, after all others: an installed command does not look there."""
    if (here := os.getcwd()) not in sys.path:
        sys.path.append(here)
